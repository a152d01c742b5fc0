/// `exports/`: the places in it, each made when something first goes there.
final class Exports {
  private let folder: String
  private let make: DestinationMaker
  private var places: [String: any Destination] = [:]

  init(_ folder: String, _ make: @escaping DestinationMaker) {
    self.folder = folder
    self.make = make
  }

  /// The names of the files and folders made, ascending.
  var names: [String] { places.keys.sorted() }

  func add(_ name: String, _ contents: [UInt8], to place: String, modifiedAt time: Int64) throws(GeneratorError) {
    try destination(place).add(name, contents, modifiedAt: time)
  }

  func finish(modifiedAt time: Int64) throws(GeneratorError) {
    for name in names { try places[name]?.finish(modifiedAt: time) }
  }

  private func destination(_ name: String) throws(GeneratorError) -> any Destination {
    if let place = places[name] { return place }
    let place = try make("\(folder)/\(name)")
    places[name] = place
    return place
  }
}
