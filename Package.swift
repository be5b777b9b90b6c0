// swift-tools-version: 6.1
import PackageDescription

// The arrows between targets are those of Docs/Internals/Architecture.md; explicit-import checking keeps them honest.
let package = Package(
    name: "orchestrion",
    products: [
        .executable(name: "orchestrion", targets: ["orchestrion"]),
        .executable(name: "measure-cluster", targets: ["measure-cluster"]),
        .executable(name: "measure-segments", targets: ["measure-segments"]),
        .executable(name: "measure-links", targets: ["measure-links"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.7.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        // C libraries of the system. Their module maps link them; libzmq's and OpenBLAS's pkg-config flags are
        // ones that the package manager refuses with a warning.
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "CSndFile", providers: [.apt(["libsndfile1-dev"])]),
        .systemLibrary(name: "CSampleRate", providers: [.apt(["libsamplerate0-dev"])]),
        .systemLibrary(name: "COpenBLAS", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CSodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CProcess"),
        // A disk in memory for SQLite, which the journal's package links.
        .target(
            name: "CSimulatedDisk", cSettings: [.unsafeFlags(["-std=gnu11"])],
            linkerSettings: [.linkedLibrary("sqlite3")]),
        // SQLite's session extension, which the journal's package does not show.
        .target(
            name: "CSQLiteSession", cSettings: [.unsafeFlags(["-std=gnu11"])],
            linkerSettings: [.linkedLibrary("sqlite3")]),
        .systemLibrary(name: "CCairo", providers: [.apt(["libcairo2-dev"])]),

        // Arithmetic. The kernels keep their optimisation in debug builds, and nothing may reorder their sums.
        .target(
            name: "CKernels",
            cSettings: [.unsafeFlags(["-O3", "-ffp-contract=off", "-fno-math-errno", "-std=gnu11"])]),
        .target(name: "Tensor", dependencies: ["CKernels", "COpenBLAS"]),

        // Files and hashes.
        .target(name: "Digest", dependencies: ["CSodium"]),
        .target(name: "SystemErrors"),
        // Programs that are started with descriptors of their parent's.
        .target(name: "Spawning"),
        // What is counted and measured: values, what keeps them behind swift-metrics, and their text for Prometheus.
        .target(name: "MetricSnapshots"),
        .target(
            name: "MetricRegistry",
            dependencies: ["MetricSnapshots", .product(name: "CoreMetrics", package: "swift-metrics")]),
        .target(name: "PrometheusText", dependencies: ["MetricSnapshots"]),
        // What programs that serve others log, behind swift-log.
        .target(
            name: "ProgramLog", dependencies: ["SystemErrors", .product(name: "Logging", package: "swift-log")]),
        // What services tell systemd.
        .target(name: "ServiceNotice"),
        .testTarget(name: "ServiceNoticeTests", dependencies: ["ServiceNotice"]),
        .target(name: "CBeginAgain", cSettings: [.unsafeFlags(["-std=gnu11"])]),
        .target(name: "CFileGuard", cSettings: [.unsafeFlags(["-std=gnu11"])]),
        .target(name: "Checkpoint", dependencies: ["CFileGuard", "SystemErrors"]),
        .target(name: "AudioFile", dependencies: ["CSndFile", "CSampleRate", "SystemErrors"]),

        // What containers, batch systems and `taskset` leave of the machine.
        .target(name: "ProcessLimits"),

        // The model and what is sampled from it.
        .target(name: "SongPlan"),
        .target(name: "JukeboxModel", dependencies: ["Checkpoint", "Digest", "SongPlan", "SystemErrors", "Tensor"]),
        .target(name: "Sampling", dependencies: ["JukeboxModel", "SongPlan", "Tensor"]),
        // What the model makes of audio that is given: activations of its layers.
        .target(
            name: "Features",
            dependencies: [
                "AudioFile", "Checkpoint", "Digest", "JukeboxModel", "SongPlan", "SystemErrors", "Tensor",
            ]),
        .testTarget(
            name: "FeaturesTests",
            dependencies: [
                "AudioFile", "Checkpoint", "Features", "JukeboxModel", "ModelTestSupport", "SongPlan", "Tensor",
            ]),

        // The cluster: pure cores, what they speak, and the services that carry out what they decide.
        .target(name: "CoordinatorCore", dependencies: ["SongPlan"]),
        .target(name: "WorkerCore", dependencies: ["SongPlan"]),
        // The names of all metrics, with what they mean.
        .target(name: "ClusterMetrics", dependencies: ["MetricSnapshots"]),
        .target(
            name: "ClusterProtocol",
            dependencies: ["Digest", "SongPlan", .product(name: "SwiftProtobuf", package: "swift-protobuf")],
            exclude: ["Messages/orchestrion.proto"]),
        .target(name: "ZeroMQTransport", dependencies: ["ClusterProtocol", "CZeroMQ", "SystemErrors"]),
        .target(
            name: "Journal",
            dependencies: [
                "CSQLiteSession", "CoordinatorCore", "SongPlan", "SystemErrors",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        // A copy of a coordinator's state in another folder, or on another machine.
        .target(name: "StateCopy", dependencies: ["Journal", "ProgramLog", "SystemErrors"]),
        .testTarget(
            name: "StateCopyTests",
            dependencies: ["CoordinatorCore", "Journal", "SongPlan", "StateCopy", "SystemErrors"]),
        // How the segments of a level are joined, and whether their seams can be told from other places.
        .target(name: "Stitching", dependencies: ["Checkpoint", "JukeboxModel", "SongPlan", "Tensor"]),
        // A song on disk: what is asked for, what that comes to, and the folder that it ends in.
        .target(
            name: "SongFiles",
            dependencies: [
                "AudioFile", "Checkpoint", "CoordinatorCore", "Digest", "JukeboxModel", "SongPlan", "Stitching",
                "SystemErrors", "Tensor",
            ]),
        .target(
            name: "CoordinatorService",
            dependencies: [
                "Checkpoint", "ClusterMetrics", "ClusterProtocol", "CoordinatorCore", "Journal", "JukeboxModel",
                "MetricRegistry", "MetricSnapshots", "ProcessLimits", "ProgramLog", "SongFiles", "SongPlan",
                "StateCopy", "Stitching", "SystemErrors", "Tensor",
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),
        // What a program asks a coordinator: the command line is one user of it.
        .target(
            name: "ClusterClient",
            dependencies: [
                "AudioFile", "ClusterProtocol", "MetricSnapshots", "SongFiles", "SongPlan", "SystemErrors",
            ]),
        // The page of the HTTP API: plain HTML, CSS and JavaScript, embedded.
        .target(name: "WebPage", dependencies: ["Digest"], resources: [.embedInCode("page")]),
        // The HTTP API: requests and responses as plain values, over a client of the coordinator.
        .target(
            name: "HTTPGateway",
            dependencies: [
                "ClusterClient", "ClusterProtocol", "Digest", "MetricSnapshots", "PrometheusText", "SongFiles",
                "SongPlan",
                "SystemErrors",
                "WebPage",
            ],
            resources: [.embedInCode("openapi.json")]),
        // The server that carries them, the only user of SwiftNIO: Docs/Decisions/HTTPServer.md.
        .target(
            name: "HTTPServer",
            dependencies: [
                "HTTPGateway",
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .target(
            name: "WorkerService",
            dependencies: [
                "ClusterMetrics", "ClusterProtocol", "JukeboxModel", "MetricRegistry", "MetricSnapshots",
                "ProcessLimits", "ProgramLog", "Sampling", "SongPlan", "Tensor", "WorkerCore",
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),

        // The coordinator's core in virtual time: plans, and what they are tested with.
        .target(name: "ClusterSimulation", dependencies: ["CoordinatorCore", "SongPlan"]),

        // Both cores, the codec and the journal over a clock, a network and a disk of their own, with faults from a seed.
        .target(
            name: "FaultSimulation",
            dependencies: [
                "CSimulatedDisk", "ClusterProtocol", "ClusterSimulation", "CoordinatorCore", "CoordinatorService",
                "Journal", "JukeboxModel", "Sampling", "SongPlan", "SystemErrors", "WorkerCore", "WorkerService",
            ]),

        .target(name: "Pictures", dependencies: ["CCairo", "SystemErrors", "Tensor"]),

        // Models of others, from where their owners serve them; the only user of the program curl.
        .target(
            name: "ModelFetch", dependencies: ["Checkpoint", "Digest", "JukeboxModel", "SongPlan", "SystemErrors"]),

        // The model that ships with the program; Scripts/train makes it.
        .target(name: "MusicBox", resources: [.copy("music-box")]),

        // What the engine reaches of the machine's limits.
        .target(
            name: "Benchmark",
            dependencies: ["Checkpoint", "JukeboxModel", "Sampling", "SongPlan", "Tensor", "WorkerCore"]),

        // Tests with faults: real processes, and what can happen to them and to what is between them.
        .target(
            name: "Chaos",
            dependencies: [
                "ClusterClient", "ClusterProtocol", "SongFiles", "SongPlan", "Spawning", "SystemErrors",
                "ZeroMQTransport",
            ]),

        // What command line, environment and file say of a command's options.
        .target(name: "OptionLayers", dependencies: [.product(name: "TOMLKit", package: "TOMLKit")]),

        // A handful of machines over the system's ssh: what is there, what is brought, started and stopped.
        .target(
            name: "Hosts",
            dependencies: ["Checkpoint", "Digest", "OptionLayers", "Spawning", "SystemErrors"],
            resources: [.embedInCode("scripts/host.sh"), .embedInCode("scripts/keep.sh")]),
        .testTarget(
            name: "HostsTests", dependencies: ["Hosts", "OptionLayers", "Spawning", "TestSupport"]),

        .executableTarget(
            name: "orchestrion",
            dependencies: [
                "AudioFile", "Benchmark", "CBeginAgain", "CProcess", "Chaos", "Checkpoint", "ClusterClient",
                "ClusterProtocol",
                "ClusterSimulation",
                "CoordinatorCore", "CoordinatorService", "Digest", "FaultSimulation", "Features", "HTTPGateway",
                "HTTPServer",
                "Hosts", "Journal", "JukeboxModel", "MetricSnapshots", "ModelFetch", "MusicBox", "OptionLayers",
                "Pictures",
                "ProcessLimits", "ProgramLog",
                "PrometheusText", "Sampling", "ServiceNotice", "SongFiles", "SongPlan", "StateCopy", "Stitching",
                "SystemErrors", "Tensor", "WorkerService", "ZeroMQTransport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        // What programs that measure have in common. They run the program as child processes: so that is built first.
        .target(
            name: "MeasurementSupport",
            dependencies: ["SystemErrors", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
        // Measures a coordinator with many workers and songs.
        .executableTarget(
            name: "measure-cluster",
            dependencies: [
                "ClusterClient", "ClusterProtocol", "MeasurementSupport", "SongFiles", "SongPlan", "SystemErrors",
                "WorkerCore", "ZeroMQTransport", "orchestrion",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        // Measures songs in segments.
        .executableTarget(
            name: "measure-segments",
            dependencies: [
                "ClusterClient", "MeasurementSupport", "SongFiles", "SongPlan", "SystemErrors", "ZeroMQTransport",
                "orchestrion",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // Measures songs over bad links.
        .executableTarget(
            name: "measure-links",
            dependencies: [
                "Chaos", "ClusterClient", "MeasurementSupport", "SongFiles", "SongPlan", "SystemErrors",
                "ZeroMQTransport", "orchestrion",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // What the tests of the model and of the services have in common.
        .target(
            name: "ModelTestSupport", dependencies: ["Checkpoint", "JukeboxModel", "SongPlan", "Tensor"],
            path: "Tests/ModelTestSupport"),
        // What every worker's arithmetic must do, for tests of any.
        .target(
            name: "BackendConformance",
            dependencies: ["Checkpoint", "JukeboxModel", "ModelTestSupport", "Sampling", "SongPlan", "Tensor"],
            path: "Tests/BackendConformance"),
        // How often a thread asks for memory.
        .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
        // A coordinator and workers in one process, over messages that are dropped, doubled, overtaken and changed.
        .target(
            name: "ClusterTestSupport",
            dependencies: [
                "Checkpoint", "ClusterClient", "ClusterProtocol", "CoordinatorCore", "CoordinatorService",
                "JukeboxModel",
                "ModelTestSupport", "SongPlan", "WorkerCore", "WorkerService",
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            path: "Tests/ClusterTestSupport"),
        // The places where bytes of others come in, and what changes inputs by the dice.
        .target(
            name: "FuzzSupport",
            dependencies: [
                "AudioFile", "Checkpoint", "ClusterProtocol", "ClusterTestSupport", "JukeboxModel", "ModelTestSupport",
                "SongFiles", "ZeroMQTransport",
            ],
            path: "Tests/FuzzSupport"),
        .target(name: "CLibFuzzer", path: "Tests/CLibFuzzer"),
        // Scripts/fuzz runs it.
        .executableTarget(
            name: "orchestrion-fuzz",
            dependencies: [
                "CLibFuzzer", "ClusterTestSupport", "FuzzSupport",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/orchestrion-fuzz"),
        .testTarget(
            name: "FuzzTests", dependencies: ["Checkpoint", "FuzzSupport", "ModelTestSupport", "orchestrion-fuzz"]),
        .testTarget(
            name: "ClusterFaultTests",
            dependencies: [
                "ClusterProtocol", "ClusterTestSupport", "CoordinatorCore", "ModelTestSupport", "WorkerCore",
            ]),
        // Swift's locks, for the thread sanitizer.
        .target(name: "CLockAnnotations", path: "Tests/CLockAnnotations"),
        .testTarget(
            name: "MetricRegistryTests",
            dependencies: [
                "CAllocationCount", "MetricRegistry", "MetricSnapshots",
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ]),
        .testTarget(name: "PrometheusTextTests", dependencies: ["MetricSnapshots", "PrometheusText"]),
        .testTarget(
            name: "ProgramLogTests", dependencies: ["ProgramLog", .product(name: "Logging", package: "swift-log")]),
        .testTarget(
            name: "ClusterMetricsTests",
            dependencies: ["ClusterMetrics", "MetricSnapshots"]),
        .testTarget(name: "SystemErrorsTests", dependencies: ["SystemErrors"]),
        .testTarget(name: "TensorTests", dependencies: ["CKernels", "Tensor"]),
        .testTarget(name: "CheckpointTests", dependencies: ["Checkpoint", "SystemErrors"]),
        .testTarget(name: "AudioFileTests", dependencies: ["AudioFile", "CSndFile"]),
        .testTarget(name: "ProcessLimitsTests", dependencies: ["ProcessLimits"]),
        .testTarget(name: "SongPlanTests", dependencies: ["SongPlan"]),
        .testTarget(name: "CoordinatorCoreTests", dependencies: ["CoordinatorCore", "SongPlan"]),
        .testTarget(
            name: "ClusterSimulationTests", dependencies: ["ClusterSimulation", "CoordinatorCore", "SongPlan"]),
        .testTarget(name: "WorkerCoreTests", dependencies: ["CAllocationCount", "SongPlan", "WorkerCore"]),
        .testTarget(
            name: "JournalTests",
            dependencies: ["CoordinatorCore", "Journal", "SongPlan", .product(name: "GRDB", package: "GRDB.swift")]),
        .testTarget(
            name: "JukeboxModelTests",
            dependencies: ["Checkpoint", "JukeboxModel", "SongPlan", "Tensor", "ModelTestSupport"]),
        .testTarget(
            name: "SamplingTests",
            dependencies: [
                "BackendConformance", "CAllocationCount", "Checkpoint", "JukeboxModel", "Sampling", "SongPlan",
                "Tensor",
                "ModelTestSupport",
            ]),
        .testTarget(
            name: "ClusterProtocolTests",
            dependencies: ["CLockAnnotations", "ClusterProtocol", "SongPlan", "ModelTestSupport"]),
        .testTarget(
            name: "StitchingTests",
            dependencies: [
                "AudioFile", "Checkpoint", "JukeboxModel", "SongFiles", "SongPlan", "Stitching", "Tensor",
                "ModelTestSupport",
            ]),
        .testTarget(
            name: "SongFilesTests",
            dependencies: [
                "AudioFile", "Checkpoint", "JukeboxModel", "SongFiles", "SongPlan", "Stitching", "Tensor",
                "ModelTestSupport",
            ]),
        .testTarget(
            name: "CoordinatorServiceTests",
            dependencies: [
                "Checkpoint", "ClusterMetrics", "ClusterProtocol", "CoordinatorCore", "CoordinatorService", "Digest",
                "Journal", "JukeboxModel", "MetricSnapshots", "SongFiles", "SongPlan", "Tensor", "ModelTestSupport",
            ]),
        .testTarget(
            name: "ClusterClientTests",
            dependencies: [
                "ClusterClient", "ClusterProtocol", "ClusterTestSupport", "Digest", "MetricSnapshots",
                "ModelTestSupport",
                "SongFiles", "SongPlan",
            ]),
        .testTarget(
            name: "HTTPGatewayTests",
            dependencies: [
                "AudioFile", "ClusterClient", "ClusterProtocol", "ClusterTestSupport", "Digest", "HTTPGateway",
                "MetricSnapshots", "ModelTestSupport",
                "SongFiles", "SongPlan",
            ]),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "ClusterClient", "ClusterProtocol", "ClusterTestSupport", "HTTPGateway", "HTTPServer",
                "ModelTestSupport", "SongFiles", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .testTarget(
            name: "WorkerServiceTests",
            dependencies: [
                "Checkpoint", "ClusterProtocol", "JukeboxModel", "Sampling", "SongPlan", "Tensor", "ModelTestSupport",
                "WorkerCore",
                "WorkerService",
            ]),
        .testTarget(name: "ChaosTests", dependencies: ["Chaos"]),
        .testTarget(
            name: "FaultSimulationTests",
            dependencies: ["CoordinatorCore", "FaultSimulation", "Journal", "SongPlan"]),
        .testTarget(
            name: "ModelFetchTests", dependencies: ["JukeboxModel", "ModelFetch", "ModelTestSupport", "TestSupport"]),
        .testTarget(name: "OptionLayersTests", dependencies: ["OptionLayers"]),
        .testTarget(name: "PicturesTests", dependencies: ["Pictures", "TestSupport"]),
        .testTarget(name: "ZeroMQTransportTests", dependencies: ["ClusterProtocol", "CZeroMQ", "ZeroMQTransport"]),

        // Whole-program tests, which spawn the binary.
        .target(
            name: "TestSupport", dependencies: ["CCairo", "ClusterProtocol", "CSndFile", "ZeroMQTransport"],
            path: "Tests/TestSupport"),
        .testTarget(
            name: "ProcessTests",
            dependencies: ["ClusterProtocol", "DiskFaultSupport", "TestSupport", "ZeroMQTransport", "orchestrion"]),
        // Disks that fail, crashes and power cuts: under a journal, and under whole programs.
        .target(
            name: "DiskFaultSupport",
            dependencies: ["CoordinatorCore", "Journal", "SongPlan", "TestSupport", "ZeroMQTransport"],
            path: "Tests/DiskFaultSupport"),
        .executableTarget(
            name: "orchestrion-disks",
            dependencies: [
                "DiskFaultSupport", "TestSupport", "orchestrion",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/orchestrion-disks"),
        .testTarget(name: "DiskFaultTests", dependencies: ["DiskFaultSupport", "TestSupport", "orchestrion-disks"]),
        // The page in a browser.
        .testTarget(name: "PageTests", dependencies: ["TestSupport", "orchestrion"]),
        .testTarget(
            name: "CommandLineTests",
            dependencies: [
                "Tensor", "TestSupport", "orchestrion", .product(name: "GRDB", package: "GRDB.swift"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)

/// The floors of `Sources/`, from the ground up: a target may use those of its own floor and of the floors below.
let floors = [
    "Systems": [
        "CBeginAgain", "CCairo", "CFileGuard", "COpenBLAS", "CProcess", "CSQLiteSession", "CSampleRate",
        "CSimulatedDisk", "CSndFile",
        "CSodium",
        "CZeroMQ", "Digest", "MetricRegistry", "MetricSnapshots", "ProcessLimits", "ProgramLog", "PrometheusText",
        "ServiceNotice", "Spawning", "SystemErrors",
    ],
    "Arithmetic": ["CKernels", "Tensor"],
    "Model": ["AudioFile", "Checkpoint", "Features", "JukeboxModel", "ModelFetch", "MusicBox", "Sampling", "SongPlan"],
    "Cluster": [
        "ClusterClient", "ClusterMetrics", "ClusterProtocol", "ClusterSimulation", "CoordinatorCore",
        "CoordinatorService", "FaultSimulation", "HTTPGateway", "HTTPServer", "Journal", "SongFiles", "StateCopy",
        "Stitching",
        "WebPage", "WorkerCore", "WorkerService", "ZeroMQTransport",
    ],
    "Program": [
        "Benchmark", "Chaos", "Hosts", "MeasurementSupport", "OptionLayers", "Pictures", "measure-cluster",
        "measure-links",
        "measure-segments",
        "orchestrion",
    ],
]
for (floor, names) in floors {
    for target in package.targets where names.contains(target.name) { target.path = "Sources/\(floor)/\(target.name)" }
}

/// What runs for every token: optimised in debug builds too, as the kernels are, for tests sample many.
let engine: Set = ["Tensor", "JukeboxModel", "Features", "Sampling", "WorkerCore"]

for target in package.targets where target.type != .system && target.name != "CKernels" {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ]
    if engine.contains(target.name) { target.swiftSettings?.append(.unsafeFlags(["-O"], .when(configuration: .debug))) }
}
