internal import Pages
internal import Stores

extension DoctorReport {
  /// Looks up the hosts of an address and connects to each.
  ///
  /// - Parameter timeout: for each name and each connection.
  mutating func examineNetwork(_ address: MongoAddress, timeout: Duration) {
    guard !address.isService else {
      note("name \(address.hosts.first ?? "")", "an SRV record, which names the servers")
      return
    }
    for host in address.hosts where !host.hasPrefix("/") { examine(HostProbe(host), timeout) }
  }

  private mutating func examine(_ probe: HostProbe, _ timeout: Duration) {
    let part = "name \(probe.host)"
    switch probe.resolved(within: timeout) {
    case .addresses(let addresses):
      var seen: Set<String> = []
      let distinct = addresses.filter { seen.insert($0.text).inserted }
      good(part, "is " + distinct.map(\.text).joined(separator: ", "))
      for address in distinct { examine(address, probe, timeout) }
    case .unknown(let why):
      bad(
        part, why,
        "Check the spelling, and this machine's name server; a private name is known inside of its VPC only.",
        .unreachable)
    case .tookTooLong:
      bad(part, "the name server did not answer", "Check this machine's network and /etc/resolv.conf.", .unreachable)
    }
  }

  private mutating func examine(_ address: HostProbe.Address, _ probe: HostProbe, _ timeout: Duration) {
    let part = "TCP \(address.text) port \(probe.port)"
    let start = ContinuousClock.now
    switch HostProbe.connect(address, within: timeout) {
    case .reached: good(part, "reached in \(Quantity.plain(start.duration(to: .now).inSeconds * 1000, 1)) ms")
    case .refused:
      bad(
        part, "refused: the machine is there, and nothing listens on the port",
        "Check the port, that mongod runs, and that its bindIp names this address.", .unreachable)
    case .timedOut:
      bad(
        part, "timed out: something on the way drops the connection without a word",
        "Check the firewall, the VPC connector or peering of the machine that Mixdown runs on, and the server's list "
          + "of allowed addresses (MongoDB Atlas: Network Access).", .unreachable)
    case .failed(let why):
      bad(part, why, "Check this machine's routes and network, and the VPC connector if it has one.", .unreachable)
    }
  }
}

extension Duration {
  var inSeconds: Double { self / .seconds(1) }
}
