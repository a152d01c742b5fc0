/// What a store can refuse, with what is needed to act on it.
public enum StoreError: Error, Equatable, Sendable {
  /// The file is no store, or a torn one: it is left as it is (exit 65).
  case refused(path: String, offset: Int64, why: String)
  /// The system refused a file operation (exit 74).
  case inputOutput(path: String, operation: String, code: Int32)
  /// Another run holds the store (exit 75).
  case locked(path: String, holder: String)
  /// The run had the store of a server and has it no longer (exit 75).
  case leaseLost(address: String, why: String)
  /// There is no room for the new store beside the old (exit 74).
  case noRoom(path: String, needed: Int64, free: Int64)
  /// A check of the program against its own mistakes failed: the old store stays (exit 1).
  case inconsistent(path: String, why: String)
  /// The server cannot be used: not found, not let in, no right to do it, nobody to write to (exit 69).
  case unreachable(address: String, stage: Stage, reason: String, advice: String)
  /// The store's name is an address that cannot be read, or names no database (exit 64).
  case badAddress(name: String, why: String)
  /// A variable of the environment has a value that is none (exit 64).
  case badSetting(name: String, value: String, why: String)
  /// The server refused a document or a command, or holds something that cannot be used (exit 65).
  case rejected(address: String, what: String, why: String)
  /// The collection lacks indexes that a job relies on (exit 65).
  case indexesMissing(address: String, collection: String, indexes: [String])

  /// Where the way to a server ends.
  public enum Stage: Sendable {
    /// No server that can be used was found, or it does not answer.
    case network
    /// The connection cannot be encrypted as the address asks for.
    case encryption
    /// Nobody was let in.
    case signIn
    /// Who was let in may not do it.
    case rights
  }
}

extension StoreError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .refused(let path, let offset, let why):
      "\(path): not a store that can be trusted, byte \(offset): \(why). It was left as it is. Restore the file or name another store."
    case .inputOutput(let path, let operation, let code):
      "\(path): cannot \(operation): \(systemMessage(code))"
    case .locked(let path, let holder):
      "\(path): in use by \(holder). Wait for it to end, then run again."
    case .leaseLost(let address, let why):
      "\(address): this run has lost its lease: \(why). It stopped; what it had written until then is there. Run it again."
    case .noRoom(let path, let needed, let free):
      "\(path): \(needed) bytes are needed there, \(free) are free. Nothing of it was written."
    case .inconsistent(let path, let why):
      "\(path): the new store was not put in place: \(why). The old one is untouched; please report this."
    case .unreachable(let address, _, let reason, let advice):
      "\(address): \(reason). \(advice)"
    case .badAddress(let name, let why):
      "\(name): \(why)"
    case .badSetting(let name, let value, let why):
      "\(name)=\(value): \(why)"
    case .rejected(let address, let what, let why):
      "\(address): \(what): \(why)"
    case .indexesMissing(let address, let collection, let indexes):
      "\(address): \(collection) has no index \(indexes.joined(separator: ", ")), which this job relies on. `mixdown setup` makes it."
    }
  }
}
