import ClusterClient

/// How those machines look that get nothing.
enum SetAsideView {
    static func lines(_ machines: [SetAsideMachine]) -> [String] {
        guard !machines.isEmpty else { return [] }
        return ["Set aside"] + machines.map { "  \(line($0))" }
    }

    static func line(_ machine: SetAsideMachine) -> String {
        let next =
            machine.secondsLeft.map { "tried again in \(Int($0.rounded(.up))) s" }
            ?? "until orchestrion workers release '\(machine.machine)'"
        return "\(machine.name)  machine \(machine.machine)  \(machine.reason)  (\(next))"
    }
}
