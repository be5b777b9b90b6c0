package import SongPlan

/// How long songs will take, from what workers were measured to do.
extension Coordinator {
    /// Seconds until a song is sampled; nil when no speed was measured yet, or nobody works.
    ///
    /// It is the longer of two: the song's longest chain, at the speed of one slot; and its tokens, at the speed of
    /// its share of all slots, with songs of the same priority sharing evenly and those of higher ones going first.
    package func secondsLeft(of id: SongID) -> Double? {
        guard let song = truth.song(id), song.state == .sampling else { return nil }
        let speeds = measuredSpeeds()
        guard !speeds.isEmpty else { return nil }
        func seconds(_ tokens: [Int: Int], of speed: (ClusterSpeed) -> Double) -> Double {
            tokens.reduce(0) { sum, item in
                let known = speeds[item.key] ?? speeds.min { $0.key < $1.key }!.value
                return sum + Double(item.value) / speed(known)
            }
        }
        let chain = song.streamRefs.filter { !song.isComplete($0) }.map { stream in
            seconds([song.level(stream): song.path(stream)]) { $0.slot }
        }.max()
        var (work, sharing) = (seconds(song.tokensLeft) { $0.all }, 1.0)
        for other in truth.songs where other.state == .sampling && other.id != id {
            if other.priority > song.priority {
                work += seconds(other.tokensLeft) { $0.all }
            } else if other.priority == song.priority, memory.open.contains(other.ref) || other.ref < song.ref {
                sharing += 1
            }
        }
        return max(chain ?? 0, work * sharing)
    }

    private struct ClusterSpeed {
        /// Tokens a second of all workers together, and of one slot of a usual one.
        var all: Double
        var slot: Double
    }

    /// By level. Workers that were not measured at a level count as the usual one.
    private func measuredSpeeds() -> [Int: ClusterSpeed] {
        var known: [Int: [(all: Double, slot: Double)]] = [:]
        let connected = pool.connected
        for worker in connected {
            for (level, all) in worker.throughput {
                known[level, default: []].append((all, worker.speedOfSlot(level) ?? all))
            }
        }
        return known.mapValues { speeds in
            let mean = speeds.reduce(0) { $0 + $1.all } / Double(speeds.count)
            let slots = speeds.map(\.slot).sorted()
            return ClusterSpeed(all: mean * Double(connected.count), slot: slots[slots.count / 2])
        }
    }
}

extension Song {
    /// By level, over all samples.
    fileprivate var tokensLeft: [Int: Int] {
        streamRefs.reduce(into: [:]) { left, stream in
            left[level(stream), default: 0] += max(0, segment(stream).range.count - self[stream].tokens.count)
        }
    }
}
