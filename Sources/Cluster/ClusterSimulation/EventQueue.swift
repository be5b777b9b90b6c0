package import CoordinatorCore

/// What happens next in a simulated cluster: the earliest first, and of equals the one that was added first.
package struct EventQueue<Event> {
    private struct Item {
        var time: Instant
        var number: Int
        var event: Event

        func isBefore(_ other: Item) -> Bool { (time, number) < (other.time, other.number) }
    }

    private var heap: [Item] = []
    private var added = 0

    package init() {}

    package mutating func add(_ event: Event, at time: Instant) {
        heap.append(Item(time: time, number: added, event: event))
        added += 1
        var place = heap.count - 1
        while place > 0, heap[place].isBefore(heap[(place - 1) / 2]) {
            heap.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    package mutating func next() -> (time: Instant, event: Event)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return (first.time, first.event) }
        heap[0] = last
        var place = 0
        while true {
            let children = [2 * place + 1, 2 * place + 2].filter { $0 < heap.count }
            guard let child = children.min(by: { heap[$0].isBefore(heap[$1]) }), heap[child].isBefore(heap[place])
            else { break }
            heap.swapAt(place, child)
            place = child
        }
        return (first.time, first.event)
    }
}
