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
        add(startsFromFiles ? .reading : .checking) { [self] in
            do {
                var prepared = try prepared(song, request, priority: priority, slots: slots, time: time)
                prepared.submission.owner = owner
                // What was read is read again when it is its turn: many may wait, each with gigabytes of sound.
                prepared.song.source = .nothing
                completions.post(.prepared(prepared))
            } catch {
                completions.post(.refused(song, error.explanation))
            }
        }
    }

    /// Encodes what a song starts from.
    func encode(_ song: LiveSong) {
        add(.preparation) { [self] in
            do {
                let prepared = try checked(song.request, slots: 0).song
                let model = try registry.model(prepared.specification.model)
                song.stage.begin()
                defer { song.stage.end() }
                let known = try prepared.knownTokens(model: model, team: team.preparation) {
                    song.stage.update(share: $0)
                }
                let bySample = prepared.labels.indices.map { sample in known.map { $0[sample] } }
                completions.post(.encoded(song.id, bySample))
            } catch {
                completions.post(.notEncoded(song.id, error.explanation))
            }
        }
    }

    /// A request after every check; errors and warnings are in the client's words.
    private func checked(_ request: SongRequest, slots: Int) throws -> (song: PreparedSong, model: Model) {
        let model = try registry.model(request.specification.model)
        let files = (request.specification.prompt ?? []) + [request.specification.codes].compactMap(\.self)
        do {
            var prepared = try SongPreparation.prepare(
                request.specification, model: model, slots: slots, fingerprints: registry.fingerprints
            ) { name in
                trustsPaths && FileManager.default.fileExists(atPath: name) ? name : try uploads.locate(name)
            }
            prepared.warnings = prepared.warnings.map { uploads.inNamesOfClient($0, references: files) }
            return (prepared, model)
        } catch {
            throw SongError(uploads.inNamesOfClient(error.explanation, references: files))
        }
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
            awaitsTokens: awaits)
        return PreparedSubmission(submission: submission, request: request, song: prepared)
    }
}
