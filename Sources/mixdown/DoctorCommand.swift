import ArgumentParser
import Jobs
import Stores

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Find out why a store cannot be used, and what to do.",
    discussion: """
      Looks at the way to the store part by part, as a job would go it, and says of each part what it is and what to \
      do. Of a MongoDB: which addresses its name stands for, whether a connection comes about or times out (then: \
      firewall, VPC connector, list of allowed addresses), TLS, who is signed in, what that user may do with each \
      collection, the replica set and its primary, the version, the indexes, how far the clocks are apart and how long \
      an answer takes. Of a folder: whether it can be read and written, who holds its lock, how many documents there \
      are, whether they can be trusted, and the room on the disk.

      Nothing is written and no lock is taken. A password is never shown; give it in MIXDOWN_MONGO_PASSWORD, or in a \
      file that MIXDOWN_MONGO_PASSWORD_FILE names.

      Exit status: 0 all is well; 64 no address; 65 indexes or data; 69 not reached, not let in, or nobody to write \
      to; 74 the folder or its disk.

      mixdown doctor --store mongodb://ann@db.example.org/music?tls=true
      mixdown doctor --store data/store
      """)

  @OptionGroup var store: StoreOptions

  func run() throws {
    let doctor = Doctor(serverTimeout: store.server.options.serverTimeout)
    let report = doctor.examine(store.name)
    for line in report.findings.flatMap(\.lines) { say(line) }
    if report.status == .done {
      say("all is well")
    } else {
      let bad = report.findings.reduce(0) { $0 + ($1.grade == .bad ? 1 : 0) }
      say("\(bad) \(bad == 1 ? "thing" : "things") to mend (exit status \(report.status.rawValue))")
      throw ExitCode(report.status.rawValue)
    }
  }
}
