import Foundation
import SongFiles
import SongPlan

/// What the body of a request for a branch says.
struct BranchBody: Sendable {
    private(set) var request: BranchRequest
    private(set) var id: String?
    private(set) var priority = 0
    private(set) var format: String?
    private(set) var name: String?

    /// - Throws: `Problem` for a field that is unknown, or holds something else than it must.
    init(_ body: [UInt8]) throws {
        guard let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any] else {
            throw Problem(
                .badRequest, "the body is not a JSON object with the fields of a branch, {\"operation\": \"go-on\", …}")
        }
        var fields = BranchFields(object.filter { !($0.value is NSNull) })
        let words = BranchOperation.allCases.map(\.rawValue)
        guard let word = try fields.text("operation"), let operation = BranchOperation(rawValue: word) else {
            throw Submission.wrong("operation", "one of \(words.joined(separator: ", "))")
        }
        request = BranchRequest(operation)
        request.samples = try fields.numbers("samples")
        (request.at, request.from, request.to) = (
            try fields.number("at"), try fields.number("from"), try fields.number("to")
        )
        request.seconds = try fields.number("seconds") ?? (operation == .goOn ? 10 : nil)
        request.variations = try fields.whole("variations") ?? 1
        request.stereo = try fields.texts("stereo")
        (request.artist, request.genre, request.lyrics) = (
            try fields.text("artist"), try fields.text("genre"), try fields.text("lyrics")
        )
        request.temperature = try fields.perLevel("temperature")
        request.topP = try fields.perLevel("top_p")
        request.hopFraction = try fields.perLevel("hop_fraction")
        request.topK = try fields.perLevelWhole("top_k")
        request.overlap = try fields.number("overlap")
        request.stopAt = try fields.whole("stop_at")
        request.segments = try fields.segments("segments")
        request.seed = try fields.seed("seed")
        try readSubmission(&fields)
        if let unknown = fields.unread {
            throw Problem(.unprocessableContent, "the request: a branch has no field \(Text.shown(unknown))")
        }
    }

    /// How the new song is handed in.
    private mutating func readSubmission(_ fields: inout BranchFields) throws {
        id = try fields.text("id").map(Submission.checked)
        name = try fields.text("name")
        priority = try fields.whole("priority") ?? 0
        guard (-1000...1000).contains(priority) else {
            throw Submission.wrong("priority", "a whole number from -1000 to 1000")
        }
        format = try fields.text("format")
        guard format.map({ AudioRequest.Format(rawValue: $0) != nil }) ?? true else {
            throw Submission.wrong("format", "one of \(AudioRequest.Format.names)")
        }
    }
}

/// Fields of a JSON object, each read once.
private struct BranchFields {
    private var fields: [String: Any]

    init(_ fields: [String: Any]) { self.fields = fields }

    /// A field that nobody asked for.
    var unread: String? { fields.keys.min() }

    mutating func text(_ name: String) throws -> String? {
        guard let value = fields.removeValue(forKey: name) else { return nil }
        guard let text = value as? String else { throw Submission.wrong(name, "text") }
        return text
    }

    mutating func texts(_ name: String) throws -> [String]? {
        guard let value = fields.removeValue(forKey: name) else { return nil }
        guard let texts = value as? [String] else { throw Submission.wrong(name, "a list of texts") }
        return texts
    }

    mutating func number(_ name: String) throws -> Double? {
        guard let value = fields.removeValue(forKey: name) else { return nil }
        guard let number = Self.number(value) else { throw Submission.wrong(name, "a number") }
        return number
    }

    mutating func whole(_ name: String) throws -> Int? {
        guard let value = fields.removeValue(forKey: name) else { return nil }
        guard let whole = Self.number(value).flatMap({ Int(exactly: $0) }) else {
            throw Submission.wrong(name, "a whole number")
        }
        return whole
    }

    mutating func numbers(_ name: String) throws -> [Int]? {
        guard let value = fields.removeValue(forKey: name) else { return nil }
        let numbers = (value as? [Any])?.map { Self.number($0).flatMap { Int(exactly: $0) } }
        guard let numbers, numbers.count <= 256, !numbers.contains(nil) else {
            throw Submission.wrong(name, "a list of whole numbers")
        }
        return numbers.compactMap(\.self)
    }

    mutating func seed(_ name: String) throws -> UInt64? {
        guard let value = fields.removeValue(forKey: name) else { return nil }
        guard Self.number(value) != nil, let seed = UInt64(exactly: value as? NSNumber ?? -1) else {
            throw Submission.wrong(name, "a whole number from 0 to \(UInt64.max)")
        }
        return seed
    }

    mutating func perLevel(_ name: String) throws -> PerLevel<Double>? {
        guard let value = fields.removeValue(forKey: name) else { return nil }
        if let number = Self.number(value) { return .all(number) }
        let numbers = (value as? [Any])?.map(Self.number)
        guard let numbers, numbers.count <= 16, !numbers.contains(nil) else {
            throw Submission.wrong(name, "a number, or a list")
        }
        return .each(numbers.compactMap(\.self))
    }

    mutating func perLevelWhole(_ name: String) throws -> PerLevel<Int>? {
        func whole(_ number: Double) throws -> Int {
            guard let whole = Int(exactly: number) else {
                throw Submission.wrong(name, "a whole number, or a list")
            }
            return whole
        }
        return switch try perLevel(name) {
        case .all(let number)?: .all(try whole(number))
        case .each(let numbers)?: .each(try numbers.map(whole))
        case nil: nil
        }
    }

    mutating func segments(_ name: String) throws -> SegmentChoice? {
        guard let value = fields.removeValue(forKey: name) else { return nil }
        if value as? String == "auto" { return .auto }
        guard let count = Self.number(value).flatMap({ Int(exactly: $0) }), count > 0 else {
            throw Submission.wrong(name, "a whole number from 1, or \"auto\"")
        }
        return .count(count)
    }

    /// nil for what is none; true and false are numbers for Foundation alone.
    private static func number(_ value: Any) -> Double? {
        guard let number = value as? NSNumber, String(cString: number.objCType) != "c" else { return nil }
        return number.doubleValue.isFinite ? number.doubleValue : nil
    }
}
