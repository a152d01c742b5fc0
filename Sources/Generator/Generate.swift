/// Invents listeners and writes what they left behind: `cloud/` with the stored libraries and accounts, `exports/` with
/// the dumps of their browsers.
///
/// Every listener is made from the seed and their number alone, and made again for each stage, so that memory does not
/// grow with their number and dumps can come in another order than documents.
///
/// - Parameters:
///   - options: what to invent; the same give the same bytes.
///   - progress: told now and then how far the work has come.
/// - Returns: counts and sizes.
@discardableResult
public func generate(
  _ options: GeneratorOptions, progress: (GeneratorProgress) -> Void = { _ in }
) throws(GeneratorError) -> GeneratedSummary {
  try generate(options, making: makeDestination, progress: progress)
}

/// The same, with another maker of the places that dumps go to.
func generate(
  _ options: GeneratorOptions, making make: @escaping DestinationMaker,
  progress: (GeneratorProgress) -> Void = { _ in }
) throws(GeneratorError) -> GeneratedSummary {
  try options.validate()
  try makeEmptyFolder(options.out)
  let catalogue = Catalogue(songs: options.songs, seed: options.seed)
  var summary = GeneratedSummary()
  summary.users = options.users
  func report(_ stage: GeneratorProgress.Stage, _ users: Int) {
    guard users % 256 == 0 || users == options.users else { return }
    progress(GeneratorProgress(stage: stage, users: users, total: options.users))
  }
  try CloudStage(options: options, catalogue: catalogue).run(&summary) { report(.cloud, $0) }
  try ExportStage(options: options, catalogue: catalogue).run(&summary, making: make) { report(.exports, $0) }
  return summary
}
