import SongPlan

/// Plans by what they are a function of, so that ten thousand songs of one shape keep one plan.
struct PlanCache: Sendable {
    struct Entry: Sendable {
        let plan: Plan
        let paths: CriticalPaths
        fileprivate var users = 0
    }

    private var entries: [PlanInputs: Entry] = [:]
    /// The plan that was asked for last, until a song uses it: a submission is checked, then applied.
    private var latest: (inputs: PlanInputs, entry: Entry)?

    var count: Int { entries.count }

    /// - Parameter known: the plan, where somebody has made it already.
    mutating func plan(_ inputs: PlanInputs, known: Plan? = nil) throws(GeometryError) -> Plan {
        if let entry = entries[inputs] { return entry.plan }
        if let latest, latest.inputs == inputs { return latest.entry.plan }
        let plan = if let known { known } else { try inputs.plan() }
        latest = (inputs, Entry(plan: plan, paths: CriticalPaths(plan)))
        return plan
    }

    /// One more song uses the plan.
    mutating func retain(_ inputs: PlanInputs) throws(GeometryError) -> Entry {
        _ = try plan(inputs)
        guard var entry = entries[inputs] ?? latest?.entry else {
            preconditionFailure("a plan is kept once it is made")
        }
        entry.users += 1
        entries[inputs] = entry
        latest = nil
        return entry
    }

    mutating func release(_ inputs: PlanInputs) {
        guard let users = entries[inputs]?.users else { return }
        if users > 1 { entries[inputs]?.users -= 1 } else { entries[inputs] = nil }
    }
}
