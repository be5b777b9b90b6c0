import ArgumentParser
import Chaos

/// What the options of `chaos` come to.
struct ChaosPlan {
    var preset: Preset
    var kinds: Set<FaultKind>
    /// Whether the kinds were named, rather than all.
    var isNamed: Bool
    var gap: ClosedRange<Double>
    var seconds: Double?
    var count: Int?
    var workers: Int
    var lease: Double
    var verifyShare: Double

    /// Whether namespaces are of use, where they can be had.
    var network: NetworkChoice

    private var hasNetworkFaults: Bool { kinds.contains(where: \.isOfNetwork) }

    var wantsNamespaces: Bool {
        switch network {
        case .proxy: false
        case .namespace: true
        case .auto: hasNetworkFaults && kinds.isDisjoint(with: NamespaceNetwork.impossible)
        }
    }

    var wantsIsolation: Bool { wantsNamespaces || kinds.contains(.diskFull) }
}

extension ChaosCommand {
    /// - Throws: `ValidationError`.
    func plan() throws -> ChaosPlan {
        let name = preset ?? "kills"
        guard let preset = Preset.all.first(where: { $0.name == name }) else {
            throw ValidationError(
                "--preset \(name) is none; the presets are \(Preset.all.map(\.name).joined(separator: ", "))")
        }
        let kinds = try faults.map(Self.kinds) ?? preset.kinds
        let isOwn = faults != nil
        let lies = kinds.contains(.lie)
        let count = minutes == nil || faultsCount != nil ? faultsCount ?? (isOwn ? 20 : preset.count) : nil
        let plan = ChaosPlan(
            preset: preset, kinds: kinds, isNamed: faults.map { $0 != "all" } ?? !preset.mayLeaveOut,
            gap: try gap.map(Self.range) ?? preset.gap, seconds: minutes.map { $0 * 60 }, count: count,
            workers: workers ?? preset.workers ?? 3, lease: lease ?? preset.lease ?? 2,
            verifyShare: verifyShare ?? preset.verifyShare ?? (lies ? 0.25 : 0), network: network)
        try check(plan)
        return plan
    }

    private func check(_ plan: ChaosPlan) throws {
        guard (1...64).contains(plan.workers) else { throw ValidationError("--workers must be 1 to 64") }
        guard (0.2...3600).contains(plan.lease) else { throw ValidationError("--lease must be 0.2 to 3600 seconds") }
        guard (0...1).contains(plan.verifyShare) else { throw ValidationError("--verify-share must be 0 to 1") }
        guard (1...256).contains(slots) else { throw ValidationError("--slots must be 1 to 256") }
        guard (1...256).contains(samples) else { throw ValidationError("--samples must be 1 to 256") }
        guard seconds > 0, seconds <= 3600 else { throw ValidationError("--seconds must be above 0, at most 3600") }
        if let minutes, !(0.01...100_000).contains(minutes) {
            throw ValidationError("--minutes must be 0.01 to 100000")
        }
        if let faultsCount, !(1...1_000_000).contains(faultsCount) {
            throw ValidationError("--faults-count must be 1 to 1000000")
        }
        if plan.kinds.contains(.lie), plan.workers < 3 {
            throw ValidationError("lie needs three workers, of which two agree; give --workers 3")
        }
        if plan.kinds.contains(.crashWindow), plan.workers < 3 {
            throw ValidationError("crash-window needs three workers, on which the window crashes; give --workers 3")
        }
        let impossible = plan.kinds.intersection(NamespaceNetwork.impossible).map(\.rawValue).sorted()
        if network == .namespace, plan.isNamed, let kind = impossible.first {
            throw ValidationError(
                "\(kind) changes bytes of a connection, which namespaces cannot; give --network proxy")
        }
    }

    private static func kinds(_ text: String) throws -> Set<FaultKind> {
        if text == "all" { return Set(FaultKind.allCases.filter { !$0.isStanding }) }
        let kinds = try text.split(separator: ",").map { word in
            guard let kind = FaultKind(rawValue: String(word)) else {
                throw ValidationError(
                    "--faults: there is no \(word); the faults are "
                        + FaultKind.allCases.map(\.rawValue).joined(separator: ", ") + ", or all")
            }
            return kind
        }
        guard !kinds.isEmpty else { throw ValidationError("--faults names none") }
        return Set(kinds)
    }

    private static func range(_ text: String) throws -> ClosedRange<Double> {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard numbers.count <= 2, let least = numbers[0], let most = numbers[numbers.count - 1], least >= 0,
            most >= least,
            most <= 86_400
        else { throw ValidationError("--gap is \(text); it must be seconds, one number or two such as 0.5,3") }
        return least...most
    }
}
