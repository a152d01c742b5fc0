internal import BSON

/// Writes a user's document of `user_scores`.
struct ScoresDocument {
  let lexicon: Lexicon
  let parameters: LearningParameters

  func write(_ facts: UserFacts, _ scores: PerDimension<DimensionScores>, to writer: inout BSONWriter) {
    let start = writer.open()
    facts.user.withView { user in
      DerivedDocument.appendID(of: user, to: &writer)
      writer.append("user_id", string: user)
    }
    document("implicit_affinities", to: &writer) { dimension, writer in
      document(dimension.affinityName, to: &writer) { writer in
        forEachKept(scores[dimension]) { writer.append(lexicon.value($0.value), double: $0.affinity) }
      }
    }
    document("explicit_preferences", to: &writer) { dimension, writer in
      writer.append(dimension.choicesName, values: facts.choices[dimension], of: lexicon)
    }
    document("confidence", to: &writer) { dimension, writer in
      writer.append(dimension.name, double: scores[dimension].confidence)
    }
    document("evidence", to: &writer) { dimension, writer in
      document(dimension.name, to: &writer) { writer in
        forEachKept(scores[dimension]) { write($0, to: &writer) }
      }
    }
    writer.key("parameters", .document)
    parameters.write(to: &writer)
    writer.append("as_of", date: parameters.asOf)
    writer.append("last_computed", date: parameters.asOf)
    writer.close(start)
  }

  private func write(_ value: ValueScore, to writer: inout BSONWriter) {
    writer.key(lexicon.value(value.value), .document)
    let start = writer.open()
    writer.append("liked", integer: Int64(value.liked))
    writer.append("skipped", integer: Int64(value.skipped))
    writer.append("unknown", integer: Int64(value.unknown))
    writer.append("favorites", integer: Int64(value.favorites))
    writer.append("weight", double: value.weight)
    writer.append("prior", double: value.prior)
    writer.close(start)
  }

  private func forEachKept(_ scores: DimensionScores, _ use: (ValueScore) -> Void) {
    for rank in scores.values.indices where scores.isKept(at: rank) { use(scores.values[rank]) }
  }

  private func document(
    _ name: StaticString, to writer: inout BSONWriter, _ content: (inout BSONWriter) -> Void
  ) {
    writer.key(name, .document)
    let start = writer.open()
    content(&writer)
    writer.close(start)
  }

  private func document(
    _ name: StaticString, to writer: inout BSONWriter, _ content: (Dimension, inout BSONWriter) -> Void
  ) {
    document(name, to: &writer) { writer in
      for dimension in Dimension.allCases { content(dimension, &writer) }
    }
  }
}
