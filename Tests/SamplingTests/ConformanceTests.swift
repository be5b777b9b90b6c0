import BackendConformance
import JukeboxModel
import Tensor
import Testing

@testable import Sampling

/// `CPUBackend` is a `WindowBackend`, on one thread and on several.
@Suite struct ConformanceTests {
    @Test(arguments: ConformanceCheck.allCases, ConformanceCase.all)
    func `the processor gives the reference's tokens`(check: ConformanceCheck, subject: ConformanceCase) throws {
        for threads in subject.profile == .f32 ? [1, 3] : [3] {
            // Nothing is too small to be shared, so that small models test how threads share.
            let deviation = try check.deviation(subject) {
                CPUBackend(model: $0, team: ThreadTeam(threads: threads), smallWork: 0)
            }
            #expect(deviation == nil, "\(threads) threads")
        }
    }

    @Test(arguments: NumericProfile.allCases)
    func `a window that fails is alone in it`(_ profile: NumericProfile) throws {
        #expect(try FailureCheck.deviation(profile) { CPUBackend(model: $0, team: ThreadTeam(threads: 2)) } == nil)
    }

    @Test func `the cases have every attention pattern`() throws {
        let patterns = try ConformanceModel.allCases.reduce(into: Set()) { $0.formUnion(try $1.patterns()) }
        #expect(patterns == Set(AttentionPattern.allCases))
    }
}
