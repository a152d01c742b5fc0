internal import CMongo

/// What libmongoc wants once in a process; the first use of the constant does it.
private let isPrepared: Bool = {
  mixdown_start()
  return true
}()

/// Makes libmongoc ready; call before any other of its functions.
func prepareForMongo() { _ = isPrepared }
