public import BSON

extension Merge {
  /// A library as it is after a merge, for those who can read nothing but the normal form.
  ///
  /// A section that the run did not decide lies as it was stored, which may be as another program wrote it. It is given
  /// with every entry and nothing else: no limit, no order and no removal is applied. An entry that has no normal form is
  /// left out, as a dump's would be quarantined. A library in normal form is given as it lies, without a copy.
  ///
  /// - Parameter decided: the sections that the merge has decided; they need no second look.
  public mutating func normalForm(
    of library: BSONDocument, user: ByteView, except decided: SectionSet
  ) throws(BSONFault) -> BSONDocument {
    var kept = MergeParameters(asOf: parameters.asOf)
    for section in decided { kept.sections.remove(section) }
    kept.sections.remove(.removed)
    guard !kept.sections.isEmpty else { return library }
    var normalizer = Normalizer(arena: arena, sections: kept.sections)
    let cloud = try CloudLibrary(library, normalizer: &normalizer) { section in
      section != .playlists && kept.sections.contains(section)
    }
    var playlists: [BSONDocument]?
    if kept.sections.contains(.playlists), let stored = cloud.stored[.playlists]?.array {
      playlists = try normalizer.playlists(stored, in: arena)
    }
    var whole = DecidedLibrary(parameters: kept, user: user, cloud: cloud, arena: arena)
    whole.keep(playlists: playlists)
    return try whole.outcome(of: []).document ?? library
  }
}

extension Normalizer {
  /// The playlists of a stored library, each as one document; what has no id is left out.
  fileprivate mutating func playlists(
    _ stored: BSONDocument, in arena: Arena
  ) throws(BSONFault) -> [BSONDocument] {
    var unused = Replica(origin: .cloud, time: nil)
    var playlists: [BSONDocument] = []
    var elements = stored.elements
    while let element = try elements.next() {
      guard let document = element.value.document, let id = try document.value("id")?.string, !id.isEmpty else {
        continue
      }
      let version = try version(document, id: id, position: 0, into: &unused)
      playlists.append(try version.written(over: document, in: arena))
    }
    return playlists
  }
}

extension PlaylistVersion {
  /// The playlist in normal form, each field where the stored one has it.
  ///
  /// - Parameter stored: what the version was read from.
  fileprivate func written(over stored: BSONDocument, in arena: Arena) throws(BSONFault) -> BSONDocument {
    BSONDocument(
      unchecked: try arena.written(capacity: stored.bytes.count) { writer throws(BSONFault) in
        let start = writer.open()
        // Written where the first of its names stands, whichever counts.
        var (createdAt, updatedAt, isPublic) = (createdAt, updatedAt, isPublic)
        var elements = stored.elements
        while let element = try elements.next() {
          switch element.key {
          case "songs": if let songs { Self.write(songs, to: &writer) }
          case "song_count": writer.append("song_count", integer: Int64(songs?.count ?? 0))
          case "cover_urls":
            if let coverURLs {
              writer.append("cover_urls", BSONValue(type: .array, bytes: coverURLs.bytes))
            } else if element.value.array?.isEmpty ?? false {
              writer.append(element.key, element.value)
            }
          case "created_at", "createdAt": if let time = createdAt.take() { writer.append("created_at", date: time) }
          case "updated_at", "updatedAt": if let time = updatedAt.take() { writer.append("updated_at", date: time) }
          case "is_public", "isPublic": if let answer = isPublic.take() { writer.append("is_public", bool: answer) }
          case "name": if let text = element.value.string, !text.isEmpty { writer.append(element.key, element.value) }
          case "description": if !element.value.isNull { writer.append(element.key, element.value) }
          default: writer.append(element.key, element.value)
          }
        }
        writer.close(start)
      })
  }

  private static func write(_ songs: [Entry], to writer: inout BSONWriter) {
    writer.key("songs", .array)
    let start = writer.open()
    for (position, song) in songs.enumerated() { writer.append(at: position, song.document) }
    writer.close(start)
  }
}
