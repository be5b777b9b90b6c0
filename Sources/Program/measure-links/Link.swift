import ArgumentParser
import Chaos

/// What lies between a worker and the coordinator.
struct Link: Sendable {
    let name: String
    let condition: LinkCondition
    /// Seconds between two times that the connection is cut; nil is never.
    var cuts: Double?

    static let near = Link(name: "near", condition: .good)

    static let all: [Link] = [
        near, delay(0.05, "50ms"), delay(0.2, "200ms"), jitter, loss, slow,
        Link(name: "cuts", condition: .good, cuts: 3),
    ]

    private static func delay(_ seconds: Double, _ name: String) -> Link {
        var condition = LinkCondition.good
        condition.delay = seconds
        return Link(name: name, condition: condition)
    }

    private static var jitter: Link {
        var condition = LinkCondition.good
        (condition.delay, condition.jitter) = (0.05, 0.1)
        return Link(name: "jitter", condition: condition)
    }

    private static var loss: Link {
        var condition = LinkCondition.good
        (condition.delay, condition.loss) = (0.02, 0.02)
        return Link(name: "loss", condition: condition)
    }

    private static var slow: Link {
        var condition = LinkCondition.good
        (condition.delay, condition.bytesPerSecond) = (0.02, 125_000)
        return Link(name: "1mbit", condition: condition)
    }

    static let explanation = """
        near: nothing; 50ms, 200ms: each byte is so late, each way; jitter: 50 ms and up to 100 ms more by chance; loss: \
        20 ms, and 2 % of the packets come a retransmission later; 1mbit: 20 ms and 1 Mbit/s; cuts: the connection is \
        cut every 3 s
        """
}

/// Names of links, with commas.
struct LinkList: ExpressibleByArgument {
    let links: [Link]

    init?(argument: String) {
        var links: [Link] = []
        for name in argument.split(separator: ",") {
            guard let link = Link.all.first(where: { $0.name == name }) else { return nil }
            links.append(link)
        }
        guard !links.isEmpty else { return nil }
        self.links = links
    }

    init(_ links: [Link]) { self.links = links }

    var defaultValueDescription: String { links.map(\.name).joined(separator: ",") }
}
