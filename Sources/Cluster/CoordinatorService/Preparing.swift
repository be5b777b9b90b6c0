import CoordinatorCore
import Foundation
import JukeboxModel
import SongFiles
import SongPlan
import SystemErrors
import Tensor

/// A request that passed every check, on its way to the core.
struct PreparedSubmission: Sendable {
    var submission: Submission
    /// With its defaults filled in; the submission has it as text.
    var request: SongRequest
    /// With its plan, which is made once.
    var song: PreparedSong
}

/// What the system refused, in the client's words.
private struct PreparationTrouble: SystemFault, CustomStringConvertible {
    var description: String
    var systemCode: Int32?
}

/// Songs on their way in: checked, and what they start from encoded.
extension BackgroundWork {
    /// Checks a request; its answer follows.
    ///
    /// - Parameters:
    ///   - slots: windows that the cluster runs at the same time; 0 when that must not decide what is sampled.
    ///   - time: seconds since 1970.
    ///   - owner: the key of whoever submits it.
    func prepare(
        _ song: SongID, _ request: SongRequest, priority: Int, slots: Int, owner: String?,
        time: @escaping @Sendable () -> Double
    ) {
        let startsFromFiles = request.specification.prompt != nil || request.specification.codes != nil
        tryToPrepare(song, startsFromFiles ? .reading : .checking, triesLeft: Self.tries) { [self] in
            var prepared = try prepared(song, request, priority: priority, slots: slots, time: time)
            prepared.submission.owner = owner
            // What was read is read again when it is its turn: many may wait, each with gigabytes of sound.
            prepared.song.source = .nothing
            return prepared
        }
    }

    /// Limits of a moment, such as too many open files, are not told before a client grows tired of waiting.
    private static let tries = 6

    private func tryToPrepare(
        _ song: SongID, _ kind: Kind, triesLeft: Int, after pause: Duration? = nil,
        _ body: @escaping @Sendable () throws -> PreparedSubmission
    ) {
        queue(kind).add(after: pause) { [self] in
            do {
                completions.post(.prepared(try body()))
            } catch {
                let isOfMoment = error.isOfMoment
                guard isPatient, isOfMoment, triesLeft > 1, !completions.isStopping else {
                    return completions.post(.refused(song, error.explanation))
                }
                tryToPrepare(song, kind, triesLeft: triesLeft - 1, after: .seconds(1), body)
            }
        }
    }

    /// Encodes what a song starts from.
    func encode(_ song: LiveSong) {
        add(.preparation, for: song, part: "preparing") { [self] in
            let prepared = try checkedAgain(song.request)
            let model = try registry.model(ofSong: prepared.specification.model)
            song.stage.begin()
            defer { song.stage.end() }
            let known = try prepared.knownTokens(model: model, team: team.preparation) {
                song.stage.update(share: $0)
            }
            let bySample = prepared.labels.indices.map { sample in known.map { $0[sample] } }
            completions.post(.ofRun(song.run, song.id, .initialTokens(song.id, bySample)))
        }
    }

    /// A request that passed every check before. What does not pass now is a file that was damaged since, where it is not
    /// what the client sent.
    private func checkedAgain(_ request: SongRequest) throws -> PreparedSong {
        do {
            return try checked(request, slots: 0, isKnown: true).song
        } catch {
            guard error.isFaultOfSong else { throw error }
            for file in Self.files(request) where try !uploads.isIntact(file) {
                throw SongError(
                    "\(UploadName.original(of: file)) was damaged on the coordinator's disk; submit the song again, which sends it again",
                    .missing)
            }
            // Whatever was in the way for a moment is no fault of the song.
            return try checked(request, slots: 0, isKnown: true).song
        }
    }

    /// A request after every check; errors and warnings are in the client's words.
    ///
    /// - Parameter isKnown: whether it passed them before.
    private func checked(
        _ request: SongRequest, slots: Int, isKnown: Bool = false
    ) throws -> (song: PreparedSong, model: Model) {
        let name = request.specification.model
        let model = try isKnown ? registry.model(ofSong: name) : registry.model(name)
        let files = Self.files(request)
        do {
            var prepared = try SongPreparation.prepare(
                request.specification, model: model, slots: slots, fingerprints: registry.fingerprints,
                locate: locate)
            prepared.warnings = prepared.warnings.map { uploads.inNamesOfClient($0, references: files) }
            return (prepared, model)
        } catch {
            let text = uploads.inNamesOfClient(error.explanation, references: files)
            if let code = error.systemNumber { throw PreparationTrouble(description: text, systemCode: code) }
            throw SongError(text, (error as? SongError)?.kind ?? .other)
        }
    }

    /// The local file of what a request names.
    func locate(_ name: String) throws -> String {
        trustsPaths && FileManager.default.fileExists(atPath: name) ? name : try uploads.locate(name)
    }

    /// What a request names of the client's.
    static func files(_ request: SongRequest) -> [String] {
        (request.specification.prompt ?? []) + [request.specification.codes].compactMap(\.self)
    }

    private func prepared(
        _ song: SongID, _ request: SongRequest, priority: Int, slots: Int, time: () -> Double
    ) throws -> PreparedSubmission {
        let (prepared, model) = try checked(request, slots: slots)
        var request = request
        request.specification = prepared.specification
        request.warnings = prepared.warnings.isEmpty ? nil : prepared.warnings
        let numbers = prepared.specification.samples.map(\.number)
        let awaits = if case .nothing = prepared.source { false } else { true }
        let submission = Submission(
            song: song, model: model.name, fingerprints: prepared.fingerprints,
            planInputs: PlanInputs(
                geometry: model.geometry, sampleLength: prepared.plan.sampleLength, hops: prepared.hops,
                known: prepared.plan.levels.map(\.known), stopAt: prepared.plan.stopAt,
                segmentation: prepared.plan.segmentation),
            seed: prepared.specification.seed, filters: prepared.filters,
            labels: prepared.labels.map { sample in
                sample.enumerated().map { model.labellers[$0].prior.labels ? $1 : nil }
            },
            numbers: numbers.allSatisfy { $0 == nil } ? nil : numbers.enumerated().map { $1 ?? $0 },
            priority: priority, submittedAt: time(), specification: try request.json(),
            awaitsTokens: awaits, parent: prepared.specification.parent)
        return PreparedSubmission(submission: submission, request: request, song: prepared)
    }
}
