/// The models that workers may serve, in the order in which they became known.
struct ModelList: Sendable {
    struct Model: Sendable, Hashable {
        let name: String
        /// By level.
        let fingerprints: [Int: String]
    }

    private(set) var models: [Model] = []

    mutating func add(_ submission: Submission) {
        _ = add(Model(name: submission.model, fingerprints: submission.fingerprints))
    }

    /// - Returns: whether it is the first.
    mutating func add(_ model: Model) -> Bool {
        guard !models.contains(model) else { return false }
        models.append(model)
        return models.count == 1
    }

    /// The levels of a worker that match a known model.
    func usedLevels(_ worker: WorkerDescription) -> [Int] {
        worker.fingerprints.filter { level, fingerprint in
            models.isEmpty || models.contains { $0.fingerprints[level] == fingerprint }
        }.keys.sorted()
    }

    /// Why a worker cannot be used; nil when it can.
    func refusal(_ worker: WorkerDescription) -> String? {
        if worker.slots < 1 { return "worker \(worker.name) offers \(worker.slots) slots; one is the least" }
        if worker.fingerprints.isEmpty { return "worker \(worker.name) serves no level" }
        guard let model = models.first(where: { $0.name == worker.model }) ?? models.first else { return nil }
        // All of its levels, of one model: a worker that is half right has other weights than its user thinks.
        let isServed = models.contains { model in
            worker.fingerprints.allSatisfy { model.fingerprints[$0.key] == $0.value }
        }
        if isServed { return nil }
        return Self.profileRefusal(worker, model.fingerprints) ?? Self.weightRefusal(worker, model)
    }

    private static func weightRefusal(_ worker: WorkerDescription, _ model: Model) -> String {
        let levels = worker.fingerprints.sorted { $0.key < $1.key }
        let (right, wrong) = (
            levels.filter { model.fingerprints[$0.key] == $0.value },
            levels.filter { model.fingerprints[$0.key] != $0.value }
        )
        let differences = wrong.map { level, fingerprint in
            "level \(level): the worker's fingerprint is \(fingerprint), that of model \(model.name) is "
                + (model.fingerprints[level] ?? "none, it has no such level")
        }
        let same = right.map { "\($0.key)" }.joined(separator: ",")
        let advice =
            right.isEmpty
            ? "give it the same model" : "copy the model again, or serve what is the same: --levels \(same)"
        let others = wrong.map { "\($0.key)" }.joined(separator: ", ")
        return "worker \(worker.name) has other weights than the model \(model.name) that is served here, at "
            + "\(wrong.count == 1 ? "level" : "levels") \(others): \(advice) (\(differences.joined(separator: "; ")))"
    }

    /// Why a worker that keeps numbers in another way cannot be used: a fingerprint begins with how, as `f16/1:`.
    private static func profileRefusal(_ worker: WorkerDescription, _ wanted: [Int: String]) -> String? {
        func profiles(_ fingerprints: [Int: String]) -> Set<Substring> {
            Set(fingerprints.values.compactMap { $0.firstIndex(of: ":").map($0.prefix(upTo:)) })
        }
        let (own, here) = (profiles(worker.fingerprints), profiles(wanted))
        guard let theirs = own.first, let ours = here.first, own.count == 1, here.count == 1, theirs != ours else {
            return nil
        }
        let names = [theirs, ours].map { $0.prefix { $0 != "/" } }
        if names[0] == names[1] {
            return "worker \(worker.name) is of another release: it computes \(theirs), and the coordinator "
                + "\(ours); use the same release everywhere"
        }
        return "worker \(worker.name) keeps numbers as \(names[0]), and the coordinator as \(names[1]): start the "
            + "worker with --profile \(names[1]), or the coordinator with --profile \(names[0])"
    }
}
