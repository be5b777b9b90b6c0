import CKernels
import Synchronization

/// Which columns of some products nobody has taken yet: threads that read weights at different speeds take as many as
/// they can, so none waits for the others.
package final class ColumnTickets: Sendable {
    private let taken: Counters

    /// - Parameter products: that are shared in one run of a team.
    package init(products: Int) { taken = Counters(products) }

    /// All columns are there again.
    package func reset() {
        for index in 0..<taken.count { taken[index].store(0, ordering: .relaxed) }
    }

    /// Columns for the caller to compute, fewer towards the end; nil when all are taken.
    ///
    /// - Parameters:
    ///   - product: which one.
    ///   - n: its columns.
    ///   - parts: threads that share it.
    package func next(_ product: Int, of n: Int, parts: Int) -> Range<Int>? {
        let panels = ck_panel_count(n)
        var begin = taken[product].load(ordering: .relaxed)
        while begin < panels {
            // Kernels take panels by fours.
            let count = max(4, (panels - begin) / (2 * parts) / 4 * 4)
            let end = min(begin + count, panels)
            let (isMine, found) = taken[product].compareExchange(expected: begin, desired: end, ordering: .relaxed)
            if isMine { return begin * Int(CK_PANEL)..<min(end * Int(CK_PANEL), n) }
            begin = found
        }
        return nil
    }
}

/// Atomic counters, which an array cannot hold.
// Sendable: the pointer and count never change.
private final class Counters: @unchecked Sendable {
    let count: Int
    private let counters: UnsafeMutablePointer<Atomic<Int>>

    init(_ count: Int) {
        self.count = count
        counters = .allocate(capacity: max(count, 1))
        for index in 0..<count { (counters + index).initialize(to: Atomic(0)) }
    }

    deinit {
        counters.deinitialize(count: count)
        counters.deallocate()
    }

    subscript(index: Int) -> Atomic<Int> {
        _read { yield counters[index] }
    }
}
