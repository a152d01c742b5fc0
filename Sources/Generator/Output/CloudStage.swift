internal import BSON
internal import Stores

/// Writes `cloud/`: the libraries that the API had stored, and the application's users.
struct CloudStage {
  let options: GeneratorOptions
  let catalogue: Catalogue

  func run(_ summary: inout GeneratedSummary, _ progress: (Int) -> Void) throws(GeneratorError) {
    let folder = "\(options.out)/cloud"
    try makeFolder(folder)
    var libraries = try CollectionFile("user_library", in: folder)
    var accounts = try CollectionFile("users", in: folder)
    var writer = BSONWriter(capacity: 1 << 18)
    for index in 0..<options.users {
      let listener = Listener(index, options, catalogue)
      if listener.isInCloud {
        writer.removeAll()
        writeLibrary(of: listener, into: &writer)
        try libraries.append(writer.view)
      }
      if !listener.isGuest {
        writer.removeAll()
        var random = Random(seed: options.seed, .account, listener: index)
        listener.writeAccount(into: &writer, &random)
        try accounts.append(writer.view)
      }
      progress(index + 1)
    }
    (summary.cloudDocuments, summary.cloudBytes) = (libraries.documents, libraries.byteCount)
    summary.accounts = accounts.documents
    try libraries.finish(indexes: CollectionSchema.userLibrary.indexes, at: options.asOf)
    try accounts.finish(indexes: [IndexSchema("id", isUnique: true)], at: options.asOf)
  }

  private func writeLibrary(of listener: Listener, into writer: inout BSONWriter) {
    var random = Random(seed: options.seed, .cloud, listener: listener.index)
    let snapshot = listener.cloudSnapshot(until: options.asOf, catalogue, &random)
    CloudDocument(listener, catalogue, &random).write(snapshot, into: &writer, &random)
  }
}
