import Foundation

/// The path and the query of a request, decoded.
struct RequestTarget {
    /// Between the slashes.
    var segments: [String]
    var query: [(name: String, value: String)]

    /// - Throws: `Problem` for what is no path, or not text.
    init(_ target: String) throws {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = parts.first, path.hasPrefix("/") else {
            throw Problem(.badRequest, "the request names no path")
        }
        segments = try path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map {
            try Self.decoded($0, isQuery: false)
        }
        query = try (parts.count > 1 ? parts[1] : "").split(separator: "&").map { part in
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (
                try Self.decoded(pair[0], isQuery: true),
                pair.count > 1 ? try Self.decoded(pair[1], isQuery: true) : ""
            )
        }
    }

    private static func decoded(_ text: Substring, isQuery: Bool) throws -> String {
        let text = isQuery ? text.replacingOccurrences(of: "+", with: " ") : String(text)
        guard let decoded = text.removingPercentEncoding else {
            throw Problem(.badRequest, "the address has a % that is not followed by two hexadecimal digits of a text")
        }
        return decoded
    }
}

/// A query's values, of which a route knows the names.
struct Query: Sendable {
    private var values: [String: String] = [:]

    /// - Throws: `Problem` for a name that the route does not know, or one that comes twice.
    init(_ pairs: [(name: String, value: String)], known: [String]) throws {
        for (name, value) in pairs {
            guard known.contains(name) else {
                let names = known.isEmpty ? "there are none here" : "there are \(known.joined(separator: ", "))"
                throw Problem(.badRequest, "there is no query parameter \(Text.shown(name)); \(names)")
            }
            guard values[name] == nil else { throw Problem(.badRequest, "the query names \(name) twice") }
            values[name] = value
        }
    }

    subscript(name: String) -> String? { values[name] }

    /// - Throws: `Problem` for what is no whole number of the range.
    func number(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), range.contains(number), text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }) else {
            throw Problem(
                .badRequest,
                "\(name) is \(Text.shown(text)); it must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    func flag(_ name: String) throws -> Bool {
        switch values[name] {
        case nil, "false": return false
        case "true", "": return true
        case let text?: throw Problem(.badRequest, "\(name) is \(Text.shown(text)); it must be true or false")
        }
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String) throws -> Choice?
    where Choice.RawValue == String {
        guard let text = values[name] else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw Problem(.badRequest, "\(name) is \(Text.shown(text)); it must be one of \(words)")
        }
        return choice
    }
}
