import CKernels

/// What this machine can do at most: the measure of every speed.
package struct MachineLimits: Sendable {
    /// Bytes that all threads together read from memory in a second.
    package var readBandwidth: Double
    /// float32 operations in a second; a fused multiply-add counts as two.
    package var floatPeak: Double
    /// Operations of int8 products with int32 sums in a second.
    package var integerPeak: Double

    /// Measures, in less than a second a hundred megabytes of `bufferBytes`.
    ///
    /// - Parameters:
    ///   - threads: that work at the same time.
    ///   - bufferBytes: what is read; far more than the caches hold.
    ///   - seconds: how long each limit is tried; the best moment counts.
    package static func measure(threads: Int, bufferBytes: Int = 512 << 20, seconds: Double = 0.5) -> MachineLimits {
        let team = ThreadTeam(threads: threads)
        let words = Buffer<UInt64>(count: max(bufferBytes / 256, threads) * 32)
        team.run { part, parts in
            let mine = words.elements[words.count * part / parts..<words.count * (part + 1) / parts]
            for index in mine.indices { words.pointer[index] = UInt64(truncatingIfNeeded: index) }
        }
        var limits = MachineLimits(readBandwidth: 0, floatPeak: 0, integerPeak: 0)
        for kernels in Kernels.available.suffix(2) {
            let table = kernels.table.pointee
            guard let read = table.limit_read, let float = table.limit_fma, let integer = table.limit_int8 else {
                continue
            }
            let bytes = best(team, seconds: seconds) { part, parts in
                let blocks = words.count / 32
                let (first, last) = (blocks * part / parts, blocks * (part + 1) / parts)
                let sum = read(words.pointer + 32 * first, 256 * (last - first))
                return sum == 0x5EED ? 0 : Double(256 * (last - first))
            }
            limits.readBandwidth = max(limits.readBandwidth, bytes)
            let rounds = 200_000
            limits.floatPeak = max(limits.floatPeak, best(team, seconds: seconds) { _, _ in float(rounds) })
            limits.integerPeak = max(limits.integerPeak, best(team, seconds: seconds) { _, _ in integer(rounds) })
        }
        return limits
    }

    /// The most that all parts together did in a second, over a few tries.
    private static func best(_ team: ThreadTeam, seconds: Double, _ work: (Int, Int) -> Double) -> Double {
        let clock = ContinuousClock()
        let end = clock.now.advanced(by: .seconds(seconds))
        let done = Buffer<Double>(count: team.threads)
        var best = 0.0
        repeat {
            let time = clock.measure { team.run { part, parts in done[part] = work(part, parts) } }
            best = max(best, done.elements.reduce(0, +) / (time / .seconds(1)))
        } while clock.now < end
        return best
    }
}
