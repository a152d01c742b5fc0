// swift-tools-version: 6.2
import PackageDescription

/// The one settings block: every Swift target is built with it.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .strictMemorySafety(),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")

let package = Package(
  name: "mixdown",
  products: [
    .executable(name: "mixdown", targets: ["mixdown"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
  ],
  targets: [
    // The command line: arguments and wording.
    .executableTarget(
      name: "mixdown",
      dependencies: [
        "Jobs", "Pages", "Sync", "Learning", "Generator", "Dumps", "Stores", "Library", "BSON", arguments, logging,
      ],
      swiftSettings: strict),

    // A run and its folder, and the files that say what to run.
    .target(
      name: "Jobs",
      dependencies: ["Pages", "Sync", "Learning", "Dumps", "Stores", "Library", "BSON", "Digests", logging, yams],
      swiftSettings: strict),

    // Pages in one file, and their pictures.
    .target(name: "Pages", dependencies: ["Digests", mustache], swiftSettings: strict),

    // The pipeline of the merge on Dispatch queues.
    .target(name: "Sync", dependencies: ["Dumps", "Stores", "Library", "BSON", "Digests"], swiftSettings: strict),

    // What is learned from libraries and archives: catalogue, statistics, affinities.
    .target(name: "Learning", dependencies: ["Library", "BSON", "Digests"], swiftSettings: strict),

    // Invented listeners for demos, tests and benchmarks.
    .target(name: "Generator", dependencies: ["Dumps", "Stores", "Library", "BSON", "Digests"], swiftSettings: strict),

    // Inputs: archives, shapes, limits, quarantine.
    .target(
      name: "Dumps", dependencies: ["Library", "BSON", "Digests", "CArchive", "CLinux", "CSimdJSON", "CZlib"],
      swiftSettings: strict),

    // Where libraries are kept.
    .target(name: "Stores", dependencies: ["Library", "BSON", "CLinux", "CMongo"], swiftSettings: strict),

    // The pure core: normal form and the rules of the merge.
    .target(name: "Library", dependencies: ["BSON", "Digests"], swiftSettings: strict),

    .target(name: "BSON", swiftSettings: strict),
    .target(name: "Digests", dependencies: ["CCrypto", "CXXHash"], swiftSettings: strict),

    .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(name: "CMongo", pkgConfig: "libmongoc-1.0", providers: [.apt(["libmongoc-dev"])]),
    .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),

    // Starts, stops and breaks real MongoDB servers, for tests of any target.
    .target(
      name: "MongodHarness", dependencies: ["Stores", "BSON", "CMongo"], path: "Tests/MongodHarness",
      swiftSettings: strict),

    // Chance that a seed repeats, for tests of any target.
    .target(name: "Randomness", path: "Tests/Randomness", swiftSettings: strict),

    .testTarget(name: "BSONTests", dependencies: ["BSON", "Randomness"], swiftSettings: strict),
    .testTarget(
      name: "LibraryTests", dependencies: ["Library", "BSON", "Digests", "Randomness"], swiftSettings: strict),
    .testTarget(
      name: "DumpsTests", dependencies: ["Dumps", "Library", "BSON", "Digests", "CArchive", "Randomness"],
      swiftSettings: strict),
    .testTarget(
      name: "StoresTests", dependencies: ["Stores", "BSON", "MongodHarness", "Randomness"], swiftSettings: strict),
    .testTarget(
      name: "JobsTests",
      dependencies: [
        "Jobs", "mixdown", "Sync", "Learning", "Dumps", "Stores", "Library", "BSON", "Digests", "MongodHarness",
        "Randomness", arguments, logging,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "GeneratorTests", dependencies: ["Generator", "Dumps", "BSON", "Digests"], swiftSettings: strict),
    .testTarget(name: "LearningTests", dependencies: ["Learning", "Library", "BSON"], swiftSettings: strict),
    .testTarget(name: "PagesTests", dependencies: ["Pages"], swiftSettings: strict),
    .testTarget(
      name: "EndToEnd",
      dependencies: ["mixdown", "Jobs", "Dumps", "Stores", "Library", "BSON", "MongodHarness", "Randomness"],
      swiftSettings: strict),
  ],
  cxxLanguageStandard: .cxx17
)

// For the sanitizers, which look at the core alone: see .ci/run.
if Context.environment["MIXDOWN_CORE_TESTS"] != nil {
  let others = ["JobsTests", "EndToEnd", "GeneratorTests", "LearningTests", "PagesTests"]
  package.targets.removeAll { others.contains($0.name) }
}

// For libFuzzer alone: see Tests/Fuzz/README.md.
if Context.environment["MIXDOWN_FUZZ"] != nil {
  let fuzzTargets: [(name: String, dependencies: [Target.Dependency])] = [
    ("JSONReaderFuzz", ["Dumps", "BSON"]),
    ("DumpReaderFuzz", ["Dumps", "Library", "BSON"]),
    ("BSONDocumentFuzz", ["Library", "BSON"]),
    ("ArchiveReaderFuzz", ["Dumps"]),
  ]
  package.targets += fuzzTargets.map { target in
    // A library's entry points, for main is libFuzzer's.
    .executableTarget(
      name: target.name, dependencies: target.dependencies, path: "Tests/Fuzz/\(target.name)",
      swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])
  }
}

// For Benchmarks alone.
if Context.environment["MIXDOWN_BENCHMARKS"] != nil {
  let programs: [(name: String, dependencies: [Target.Dependency])] = [
    ("BareSync", ["Sync", "Stores", "Library"]), ("MongoWrites", ["Stores", "BSON"]),
  ]
  package.targets += programs.map { program in
    .executableTarget(
      name: program.name, dependencies: program.dependencies, path: "Benchmarks/\(program.name)",
      swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])])
  }
}
