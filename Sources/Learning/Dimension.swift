/// What affinities are about: the three properties of songs that people have a taste in.
public enum Dimension: Int, Sendable, CaseIterable {
  case language, genre, mood

  /// The name in documents.
  public var name: StaticString {
    switch self {
    case .language: "language"
    case .genre: "genre"
    case .mood: "mood"
    }
  }

  /// The name of a user's explicit choices in `explicit_preferences` and `onboarding`.
  public var choicesName: StaticString {
    switch self {
    case .language: "languages"
    case .genre: "genres"
    case .mood: "moods"
    }
  }

  /// The name of the scores in `implicit_affinities`.
  public var affinityName: StaticString {
    switch self {
    case .language: "language_affinity"
    case .genre: "genre_affinity"
    case .mood: "mood_affinity"
    }
  }
}

/// One value for each dimension.
public struct PerDimension<Value> {
  public var language: Value
  public var genre: Value
  public var mood: Value

  public init(language: Value, genre: Value, mood: Value) {
    self.language = language
    self.genre = genre
    self.mood = mood
  }

  public init(_ value: (Dimension) throws -> Value) rethrows {
    language = try value(.language)
    genre = try value(.genre)
    mood = try value(.mood)
  }

  public subscript(dimension: Dimension) -> Value {
    get {
      switch dimension {
      case .language: language
      case .genre: genre
      case .mood: mood
      }
    }
    // In place: a table inside is not copied to be changed.
    _modify {
      switch dimension {
      case .language: yield &language
      case .genre: yield &genre
      case .mood: yield &mood
      }
    }
  }
}

extension PerDimension: Sendable where Value: Sendable {}
extension PerDimension: Equatable where Value: Equatable {}
