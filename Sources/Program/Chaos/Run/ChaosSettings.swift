package import Foundation
package import SongFiles

/// What a run with faults is to do.
package struct ChaosSettings: Sendable {
    /// Options of the song, as `orchestrion sample` takes them, for the undisturbed one.
    package var songOptions: [String]
    package var request: SongRequest
    /// Of the numbers, for all processes.
    package var profile: String
    package var workers: Int
    package var slots: Int?
    package var seed: UInt64
    package var kinds: Set<FaultKind>
    package var leftOut: [ChaosReport.LeftOut]
    /// Seconds between faults.
    package var gap: ClosedRange<Double>
    /// Seconds of faults, and how many; whichever is reached first. Without both, one song is sampled.
    package var seconds: Double?
    package var count: Int?
    package var lease: Double
    package var verifyShare: Double
    package var usesKeys: Bool
    package var network: NetworkChoice
    package var comparesTimes: Bool
    /// Temporary files, logs among them.
    package var place: URL

    package init(
        songOptions: [String], request: SongRequest, profile: String, workers: Int, slots: Int?, seed: UInt64,
        kinds: Set<FaultKind>, leftOut: [ChaosReport.LeftOut] = [], gap: ClosedRange<Double>, seconds: Double?,
        count: Int?, lease: Double, verifyShare: Double,
        usesKeys: Bool, network: NetworkChoice, comparesTimes: Bool, place: URL
    ) {
        (self.songOptions, self.request, self.profile) = (songOptions, request, profile)
        (self.workers, self.slots, self.seed, self.kinds) = (workers, slots, seed, kinds)
        self.leftOut = leftOut
        (self.gap, self.seconds, self.count, self.lease) = (gap, seconds, count, lease)
        (self.verifyShare, self.usesKeys, self.network) = (verifyShare, usesKeys, network)
        (self.comparesTimes, self.place) = (comparesTimes, place)
    }

    /// A run that begins has a song, and ends it within this many seconds after the last fault.
    static let patience = 300.0

    /// Names of the workers: a, b, c …
    static func name(_ worker: Int) -> String {
        worker < 26 ? String(UnicodeScalar(UInt8(97 + worker))) : "w\(worker)"
    }
}

/// Where a run tells how far it is, and hears that it is to end.
package struct ChaosView {
    /// How far a run is.
    package struct Progress: Sendable {
        package var song: String
        /// Of the song's tokens.
        package var share: Double
        package var faults: Int
        package var lastFault: String
        /// Until the last fault, in seconds; nil when nobody knows.
        package var secondsLeft: Double?
    }

    package var log: (String) -> Void
    package var show: (Progress) -> Void
    /// Throws to end the run.
    package var check: () throws -> Void

    package init(
        log: @escaping (String) -> Void, show: @escaping (Progress) -> Void, check: @escaping () throws -> Void
    ) {
        (self.log, self.show, self.check) = (log, show, check)
    }
}
