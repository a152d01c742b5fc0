internal import BSON

extension Listener {
  var email: String { "listener\(index)@example.com" }
  var name: String { "Listener \(index)" }

  /// The languages, genres and moods they named when they were asked: mostly what they like.
  func onboarding(_ random: inout Random) -> (languages: [Int], genres: [Int], moods: [Int]) {
    func named(_ shares: [Double], _ random: inout Random) -> [Int] {
      var named = Taste.greatest(random.within(1...2), of: shares)
      let stray = random.below(shares.count)
      if random.chance(0.3) && !named.contains(stray) { named.append(stray) }
      return named
    }
    return (named(firstTaste.languages, &random), named(firstTaste.genres, &random), named(firstTaste.moods, &random))
  }

  /// The object that the browser keeps as `tldr-user`.
  func writeUser(into text: inout GeneratedJSON) {
    text.beginObject()
    text.key("id")
    text.string(id)
    if !isGuest {
      text.key("email")
      text.string(email)
      text.key("name")
      text.string(name)
      text.key("picture")
      text.string("https://img.example.com/avatar/FAKE.png")
    }
    text.key("auth_method")
    text.string(isGuest ? "guest" : "google")
    text.key("is_guest")
    text.bool(isGuest)
    text.key("created_at")
    text.string(timestamp(joinedAt))
    text.endObject()
  }

  /// Their document in the application's collection `users`.
  func writeAccount(into writer: inout BSONWriter, _ random: inout Random) {
    let document = writer.open()
    writer.appendObjectID("_id", kind: 1, index: index)
    writer.append("id", string: id)
    writer.append("name", string: name)
    writer.append("email", string: email)
    writer.append("created_at", date: joinedAt)
    if random.chance(0.75) { writer.append("timezone", string: ByteView(zone.name)) }
    if random.chance(0.7) { writeChoices(as: "onboarding", into: &writer, &random) }
    if random.chance(0.08) { writeChoices(as: "explicit_preferences", into: &writer, &random) }
    writer.close(document)
  }

  private func writeChoices(as key: StaticString, into writer: inout BSONWriter, _ random: inout Random) {
    let choices = onboarding(&random)
    writer.key(key, .document)
    let document = writer.open()
    writer.append("languages", strings: choices.languages.lazy.map { ByteView(Language.all[$0].code) })
    writer.append("genres", strings: choices.genres.lazy.map { ByteView(genreNames[$0]) })
    writer.append("moods", strings: choices.moods.lazy.map { ByteView(moodNames[$0]) })
    writer.close(document)
  }
}

extension BSONWriter {
  /// An id that says what was counted: `kind` and number, big-endian as ObjectIds are.
  mutating func appendObjectID(_ name: StaticString, kind: UInt32, index: Int) {
    key(name, .objectID)
    put(kind.bigEndian)
    put(UInt64(index).bigEndian)
  }

  mutating func appendNull(_ name: StaticString) { key(name, .null) }
}
