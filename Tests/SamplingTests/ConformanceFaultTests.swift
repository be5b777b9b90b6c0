import BackendConformance
import JukeboxModel
import SongPlan
import Tensor
import Testing

@testable import Sampling

/// Each check of the suite can fail: a backend with the fault that it looks for does not pass it.
@Suite struct ConformanceFaultTests {
    @Test(arguments: Fault.allCases) func `a check finds the fault that it is for`(fault: Fault) throws {
        let subject = ConformanceCase(.unlabelledUpsampler, .f16)
        let deviation =
            if let check = fault.check {
                try check.deviation(subject) { FaultyBackend($0, fault) }
            } else {
                try FailureCheck.deviation(.f16) { FaultyBackend($0, fault) }
            }
        #expect(deviation?.contains("f16") == true, "\(deviation ?? "nothing was found")")
    }

    @Test func `every check is tried`() {
        #expect(Set(Fault.allCases.compactMap(\.check)) == Set(ConformanceCheck.allCases))
    }
}

/// What a backend may do wrong.
enum Fault: CaseIterable, Sendable {
    case otherSeed, otherInPrefill, mindsNeighbours, losesATokenAtTheStart, keepsAShorterPrime, keepsAnOldWindow
    case forgetsWindowsWithTheirLevel, knowsNoSize, failsTogether

    /// The check that is there for it; nil for `FailureCheck`.
    var check: ConformanceCheck? {
        switch self {
        case .otherSeed: .decode
        case .otherInPrefill: .prefill
        case .mindsNeighbours: .batches
        case .losesATokenAtTheStart: .resume
        case .keepsAShorterPrime: .extend
        case .keepsAnOldWindow: .recycle
        case .forgetsWindowsWithTheirLevel: .reload
        case .knowsNoSize: .memory
        case .failsTogether: nil
        }
    }
}

private final class FaultyBackend: WindowBackend {
    private let inner: CPUBackend
    private let fault: Fault
    private var old: FaultyWindow?
    private var unloads = 0

    init(_ model: Model, _ fault: Fault) {
        inner = CPUBackend(model: model, team: ThreadTeam(threads: 1))
        self.fault = fault
    }

    var profile: NumericProfile { inner.profile }
    var ownMemory: Int? { inner.ownMemory }

    func memory(level: Int) -> LevelMemory {
        fault == .knowsNoSize ? LevelMemory(weights: 0, window: 0) : inner.memory(level: level)
    }

    func load(level: Int, rows: Int) throws { try inner.load(level: level, rows: rows) }

    func unload(level: Int) {
        unloads += 1
        inner.unload(level: level)
    }

    func begin(_ input: WindowInput, level: Int) throws -> any BackendWindow {
        var input = input
        if fault == .otherSeed { input.draw.seed += 1 }
        if fault == .losesATokenAtTheStart, let last = input.tokens.last {
            input.tokens[input.tokens.count - 1] = last ^ 1
        }
        if fault == .keepsAnOldWindow, let old { return old }
        return FaultyWindow(inner.begin(input, level: level), fault)
    }

    func prepare(_ window: any BackendWindow) -> Bool { inner.prepare(own(window).inner) }

    func step(_ work: [WindowRows], level: Int, outcomes: inout [StepOutcome]) {
        inner.step(work.map { WindowRows(own($0.window).inner, rows: $0.rows) }, level: level, outcomes: &outcomes)
        let failed = outcomes.first { if case .failed = $0 { true } else { false } }
        for (place, item) in work.enumerated() {
            guard case .token(let token) = outcomes[place] else { continue }
            switch fault {
            case .otherInPrefill where item.rows > 1: outcomes[place] = .token(token ^ 1)
            case .mindsNeighbours where work.count > 1: outcomes[place] = .token(token ^ 1)
            case .forgetsWindowsWithTheirLevel where unloads > 0: outcomes[place] = .failed("it is gone")
            case .failsTogether: outcomes[place] = failed ?? .token(token)
            default: break
            }
        }
    }

    func recycle(_ window: any BackendWindow) {
        if fault == .keepsAnOldWindow { old = own(window) }
        inner.recycle(own(window).inner)
    }

    private func own(_ window: any BackendWindow) -> FaultyWindow {
        guard let window = window as? FaultyWindow else { preconditionFailure("not its window") }
        return window
    }
}

private final class FaultyWindow: BackendWindow {
    let inner: any BackendWindow
    private let fault: Fault

    init(_ inner: any BackendWindow, _ fault: Fault) { (self.inner, self.fault) = (inner, fault) }

    var pendingRows: Int { inner.pendingRows }
    var rowsToBlockEnd: Int { inner.rowsToBlockEnd }

    func extend(to tokens: [UInt16]) {
        inner.extend(to: fault == .keepsAShorterPrime ? tokens.map { $0 ^ 1 } : tokens)
    }
}
