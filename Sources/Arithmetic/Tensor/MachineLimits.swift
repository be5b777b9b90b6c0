import CKernels

/// What this machine can do at most with the instructions in use: the measure of every speed.
///
/// With `ORCHESTRION_ISA=avx2`, a machine that has more stands in for one that has not.
///
/// Other users of a shared machine change that from one second to the next, so a limit is asked for right before and
/// after what it is to measure.
package final class MachineLimits {
    package enum Limit: CaseIterable, Sendable {
        /// Bytes that all threads together read from memory in a second.
        case bandwidth
        /// float32 operations in a second; a fused multiply-add counts as two.
        case multiplyAdds
        /// Operations of int8 products with int32 sums in a second.
        case integerProducts
    }

    private let team: ThreadTeam
    private let words: Buffer<UInt64>
    private let done: Buffer<Double>
    /// The kernels that reach most, for each limit.
    private var kernels: [Limit: ck_kernels] = [:]
    private static let blockBytes = 256

    /// - Parameters:
    ///   - team: threads that work at the same time.
    ///   - bufferBytes: what is read; far more than the caches hold.
    ///   - active: the kernels in use. Slower ones are tried, too, since some machines halve wide registers.
    package init(team: ThreadTeam, bufferBytes: Int = 512 << 20, active: Kernels = .active) {
        self.team = team
        done = Buffer(count: team.threads)
        let words = Buffer<UInt64>(count: max(bufferBytes / Self.blockBytes, team.threads) * (Self.blockBytes / 8))
        self.words = words
        team.run { part, parts in
            for index in share(of: words.count, part: part, parts: parts) {
                words.pointer[index] = UInt64(truncatingIfNeeded: index)
            }
        }
        let slower = Kernels.available.prefix { $0.name != active.name }
        let tables = (slower + [active]).suffix(2).map(\.table.pointee).filter {
            $0.limit_read != nil && $0.limit_fma != nil && $0.limit_int8 != nil
        }
        for limit in Limit.allCases {
            let tried = tables.map { table in (table, (0..<3).map { _ in attempt(limit, table) }.max() ?? 0) }
            kernels[limit] = tried.max { $0.1 < $1.1 }?.0
        }
    }

    /// A limit at this moment: one try of some milliseconds.
    package func now(_ limit: Limit) -> Double { kernels[limit].map { attempt(limit, $0) } ?? .nan }

    /// The most that a limit reaches in some tries.
    package func best(_ limit: Limit, tries: Int = 20) -> Double { (0..<tries).map { _ in now(limit) }.max() ?? .nan }

    private func attempt(_ limit: Limit, _ table: ck_kernels) -> Double {
        let rounds = 1_000_000
        let clock = ContinuousClock()
        let time = clock.measure {
            team.run { [words, done] part, parts in
                switch limit {
                case .bandwidth:
                    let mine = share(of: words.count / (Self.blockBytes / 8), part: part, parts: parts)
                    let sum = table.limit_read!(
                        words.pointer + mine.lowerBound * (Self.blockBytes / 8), Self.blockBytes * mine.count)
                    // The sum is used, so that the reading is not left out.
                    done[part] = sum == 0x5EED ? 0 : Double(Self.blockBytes * mine.count)
                case .multiplyAdds: done[part] = table.limit_fma!(rounds)
                case .integerProducts: done[part] = table.limit_int8!(rounds)
                }
            }
        }
        return done.elements.reduce(0, +) / (time / .seconds(1))
    }
}
