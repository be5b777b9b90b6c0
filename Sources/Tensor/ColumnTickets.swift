import CKernels
import Synchronization

/// Which columns of some products nobody has taken yet.
///
/// Every part has columns of its own, takes them piece by piece in order, and then some of those that others have
/// left: so threads of different speeds finish together, and each mostly reads on where it was.
package final class ColumnTickets: Sendable {
    private let parts: Int
    private let taken: Counters

    /// - Parameters:
    ///   - products: that a run may need at once.
    ///   - parts: threads that share them.
    package init(products: Int, parts: Int) {
        self.parts = parts
        taken = Counters(products * parts)
    }

    /// A part's own columns are there again. No part may ask for the product's columns meanwhile: the team meets before
    /// and after.
    package func reset(_ product: Int, part: Int) {
        taken[product * parts + part].store(0, ordering: .relaxed)
    }

    /// Columns for a part to compute, fewer towards the end; nil when all are taken.
    ///
    /// - Parameters:
    ///   - product: which one.
    ///   - n: its columns.
    ///   - part: who asks.
    ///   - multiple: panels that kernels take at once.
    package func next(_ product: Int, of n: Int, part: Int, multiple: Int) -> Range<Int>? {
        let panels = ck_panel_count(n)
        for offset in 0..<parts {
            let owner = (part + offset) % parts
            let columns = share(of: panels, part: owner, parts: parts)
            let counter = product * parts + owner
            var done = taken[counter].load(ordering: .relaxed)
            while done < columns.count {
                let left = columns.count - done
                let count = min(max(multiple, left / 2 / multiple * multiple), left)
                let (isMine, found) = taken[counter].compareExchange(
                    expected: done, desired: done + count, ordering: .relaxed)
                if isMine {
                    let first = columns.lowerBound + done
                    return first * Int(CK_PANEL)..<min((first + count) * Int(CK_PANEL), n)
                }
                done = found
            }
        }
        return nil
    }
}
