import SongPlan

/// A window that is sampled on several machines. What each of them brings is a claim; a token counts when two machines say
/// the same.
struct WindowCheck: Sendable, Hashable {
    /// What the holder with an epoch has brought.
    struct Claim: Sendable, Hashable {
        let epoch: Epoch
        let worker: WorkerID
        let machine: MachineID
        /// The place in the level of its first token.
        let start: Int
        fileprivate(set) var tokens: [UInt16]

        var end: Int { start + tokens.count }

        func token(at place: Int) -> UInt16? { (start..<end).contains(place) ? tokens[place - start] : nil }
    }

    /// In the order in which they began.
    private(set) var claims: [Claim] = []

    func claim(_ epoch: Epoch) -> Claim? { claims.first { $0.epoch == epoch } }

    /// - Parameter start: the place of the first of the tokens.
    mutating func add(_ tokens: [UInt16], from start: Int, _ epoch: Epoch, _ worker: WorkerID, _ machine: MachineID) {
        if let place = claims.firstIndex(where: { $0.epoch == epoch }) {
            if claims[place].end == start { claims[place].tokens += tokens }
        } else {
            claims.append(Claim(epoch: epoch, worker: worker, machine: machine, start: start, tokens: tokens))
        }
    }

    /// Nothing counts that a machine has said.
    mutating func forget(_ machine: MachineID) { claims.removeAll { $0.machine == machine } }

    /// What follows from all claims.
    struct Outcome: Sendable, Hashable {
        /// From the place that was asked for on.
        var agreed: [UInt16] = []
        /// Machines that said something else than two others, and where first.
        var liars: [MachineID: Int] = [:]
        /// Machines that say different things, of which none has a second one on its side.
        var disputants: Set<MachineID> = []
    }

    /// - Parameter place: of the first token that does not count yet.
    func outcome(from place: Int) -> Outcome {
        var outcome = Outcome()
        while true {
            let place = place + outcome.agreed.count
            var sayings: [UInt16: Set<MachineID>] = [:]
            for claim in claims where outcome.liars[claim.machine] == nil {
                if let token = claim.token(at: place) { sayings[token, default: []].insert(claim.machine) }
            }
            // Whoever says two things has said a wrong one.
            let all = sayings.values.flatMap(\.self)
            let torn = Set(all.filter { machine in all.count { $0 == machine } > 1 })
            if !torn.isEmpty {
                for machine in torn { outcome.liars[machine] = place }
                continue
            }
            // In order, so that what follows is the same every time.
            guard let token = sayings.keys.sorted().first(where: { (sayings[$0]?.count ?? 0) >= 2 }) else {
                if sayings.count > 1 { outcome.disputants = sayings.values.reduce(into: []) { $0.formUnion($1) } }
                return outcome
            }
            for (other, machines) in sayings where other != token {
                for machine in machines { outcome.liars[machine] = place }
            }
            outcome.agreed.append(token)
        }
    }

    /// Machines that have said more than counts.
    func speakers(beyond place: Int) -> Set<MachineID> {
        Set(claims.filter { $0.start <= place && $0.end > place }.map(\.machine))
    }

    /// The claim that reaches farthest from a place on.
    func longest(from place: Int) -> Claim? {
        claims.filter { $0.start <= place && $0.end > place }.max { ($0.end, $1.epoch) < ($1.end, $0.epoch) }
    }
}

/// Where tokens of a stream come from.
struct Source: Sendable, Hashable {
    /// The place in the level of the first of them.
    let start: Int
    /// The place in the level after the last of them.
    var end: Int
    let machine: MachineID
    /// Whether another machine sampled the same.
    let isVerified: Bool
}
