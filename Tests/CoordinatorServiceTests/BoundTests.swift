import ClusterProtocol
import CoordinatorCore
import SongFiles
import SongPlan
import Testing

@testable import CoordinatorService

/// What one peer may take of the coordinator.
@Suite struct BoundTests {
    @Test func `of a kind of lines the first are written, and the number of the others each minute`() {
        var budget = LogBudget()
        var lines = budget.tick(at: 0)
        let told = (0..<1000).count { _ in budget.mayTell(.damagedChunk) }
        let isTold = budget.mayTell(.lease)
        #expect(told == 5 && isTold)
        lines += budget.tick(at: 59)
        #expect(lines.isEmpty)
        lines = budget.tick(at: 60)
        #expect(lines == ["in the last minute there were 995 more damaged chunks than are written here"])
        let isToldAgain = budget.mayTell(.damagedChunk)
        lines = budget.tick(at: 120)
        #expect(isToldAgain && lines.isEmpty)
    }

    @Test func `a connection is hung up on for many useless messages in a while, and only it`() {
        var conduct = PeerConduct()
        let (bad, good) = (ConnectionID(bytes: [1]), ConnectionID(bytes: [2]))
        let strikes = (0..<101).map { _ in conduct.isTooMuch(of: bad, at: 5) }
        #expect(strikes.dropLast().allSatisfy { !$0 } && strikes.last == true)
        let others = [good, bad].map { conduct.isTooMuch(of: $0, at: 5) }
        let slow = (0..<200).map { conduct.isTooMuch(of: good, at: Double($0)) }
        #expect(others == [false, false] && !slow.contains(true))
    }

    @Test func `a key sends so many files at a time, and others are not in its way`() throws {
        var ledger = UploadLedger()
        for number in 0..<UploadLedger.mostFiles { try ledger.begin("\(number)", size: 1, of: "anna", at: 0) }
        func isRefused(_ digest: String, size: UInt64 = 1, of owner: String, at now: Double) -> Bool {
            do { try ledger.begin(digest, size: size, of: owner, at: now) } catch { return true }
            return false
        }
        #expect(isRefused("more", of: "anna", at: 1))
        #expect(!isRefused("3", of: "anna", at: 1) && !isRefused("more", of: "bert", at: 1))
        ledger.end("7", of: "anna")
        #expect(!isRefused("more", of: "anna", at: 2))
        // What does not go on for long is passed over.
        #expect(!isRefused("again", of: "anna", at: 700))
    }

    @Test func `songs of one shape share their plan, and what a key's songs take is given back`() throws {
        let geometry = ModelGeometry(
            sampleRate: 100,
            levels: [LevelGeometry(samplesPerToken: 2, windowLength: 64, codes: 16, tokensPerUpperToken: nil)],
            timing: nil)
        let inputs = PlanInputs(geometry: geometry, sampleLength: 200_000, hops: [8], known: [0])
        let plan = try inputs.plan()
        func submission(_ song: String, lyrics: Int = 0) -> Submission {
            let labels = SongLabels(
                totalLength: 1, offset: 0, artist: 0, genres: [], lyrics: Array(repeating: 1, count: lyrics))
            return Submission(
                song: song, model: "m", fingerprints: [:], planInputs: inputs, seed: 0, filters: [],
                labels: [[labels]], owner: "anna")
        }
        var holdings = Holdings()
        for number in 0..<1000 { holdings.add(submission("s\(number)"), plan) }
        #expect(holdings.refusal(submission("next"), plan) == nil)
        let large = submission("large", lyrics: Holdings.mostBytes / 8)
        #expect(holdings.refusal(large, plan)?.contains("1024 are the most") == true)
        for number in 1000..<Holdings.mostSongs { holdings.add(submission("s\(number)"), plan) }
        #expect(holdings.refusal(submission("next"), plan)?.contains("20000 are the most") == true)
        for number in 0..<Holdings.mostSongs { holdings.remove("s\(number)") }
        #expect(holdings.refusal(submission("next"), plan) == nil)
    }
}
