import Synchronization

/// Atomic counters, which an array cannot hold, each in a cache line of its own: threads that wait for one do not slow
/// down those that change another.
// Sendable: the pointer and count never change.
final class Counters: @unchecked Sendable {
    private let count: Int
    private let memory: UnsafeMutableRawPointer
    /// Processors fetch lines of 64 bytes in pairs.
    private static let distance = 128

    /// Counters that are 0.
    init(_ count: Int) {
        self.count = count
        memory = .allocate(byteCount: max(count, 1) * Self.distance, alignment: Self.distance)
        for index in 0..<count { pointer(index).initialize(to: Atomic(0)) }
    }

    deinit {
        for index in 0..<count { pointer(index).deinitialize(count: 1) }
        memory.deallocate()
    }

    private func pointer(_ index: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        (memory + index * Self.distance).assumingMemoryBound(to: Atomic<Int>.self)
    }

    subscript(index: Int) -> Atomic<Int> {
        _read { yield pointer(index).pointee }
    }
}
