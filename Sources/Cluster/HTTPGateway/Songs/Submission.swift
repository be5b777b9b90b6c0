import Digest
import Foundation
import SongFiles
import SongPlan

/// A song as it is submitted over HTTP: the fields of a song file, with `format`, `priority` and `id`.
struct Submission: Sendable {
    var song: String
    /// As JSON, for the coordinator.
    var specification: String
    var seed: UInt64
    var format: String
    var priority: Int
    /// Whether the id follows from an Idempotency-Key.
    var isKeyed: Bool

    static let largestBody = 1 << 20

    struct Document: Encodable {
        var song: String
        var seed: UInt64
        /// That will be sampled.
        var tokens: Int
        var warnings: [String]
    }

    /// - Parameters:
    ///   - key: the Idempotency-Key. The song's id follows from it, and from who asks: so the coordinator's journal is what
    ///     remembers it, and the same request is the same song after whatever was started again.
    /// - Throws: `Problem`.
    init(_ body: [UInt8], key: String?, caller: Caller) throws {
        var (fields, own) = try Self.fields(body)
        let id = try own.id.map(Self.checked)
        isKeyed = id == nil && key != nil
        song = try id ?? key.map { try Self.id(of: $0, caller) } ?? String(UUID().uuidString.prefix(8)).lowercased()
        priority = own.priority
        format = own.format
        // Drawn from the id, so that a request which is sent again without a seed is the same song.
        if fields["seed"] == nil || fields["seed"] is NSNull { fields["seed"] = NSNumber(value: Self.seed(of: song)) }
        let specification = try Self.specification(fields)
        seed = specification.seed
        do {
            self.specification = String(decoding: try specification.json(), as: UTF8.self)
        } catch {
            throw Problem(.unprocessableContent, "the song has a number that JSON cannot say")
        }
    }

    private struct Own {
        var id: String?
        var priority = 0
        var format = "wav"
    }

    /// What is of the song, and what is of its submission.
    private static func fields(_ body: [UInt8]) throws -> ([String: Any], Own) {
        guard let object = try? JSONSerialization.jsonObject(with: Data(body)), var fields = object as? [String: Any]
        else {
            throw Problem(
                .badRequest, "the body is not a JSON object with the fields of a song, {\"seconds\": 20, …}")
        }
        var own = Own()
        if let id = fields.removeValue(forKey: "id"), !(id is NSNull) {
            guard let text = id as? String else { throw wrong("id", "text") }
            own.id = text
        }
        if let priority = fields.removeValue(forKey: "priority"), !(priority is NSNull) {
            guard let number = priority as? NSNumber, let value = Int(exactly: number.doubleValue),
                (-1000...1000).contains(value), String(cString: number.objCType) != "c"
            else { throw wrong("priority", "a whole number from -1000 to 1000") }
            own.priority = value
        }
        if let format = fields["format"], !(format is NSNull) {
            guard let text = format as? String, AudioRequest.Format(rawValue: text) != nil else {
                throw wrong("format", "one of \(AudioRequest.Format.names)")
            }
            own.format = text
        }
        return (fields, own)
    }

    static func wrong(_ field: String, _ wanted: String) -> Problem {
        Problem(.unprocessableContent, "the request: the field \(field) must be \(wanted)")
    }

    /// - Throws: `Problem` for a field that is wrong, and for what names a file of the coordinator's machine.
    static func specification(_ fields: [String: Any]) throws -> SongSpecification {
        let specification: SongSpecification
        do {
            let json = try JSONSerialization.data(withJSONObject: fields)
            specification = try SongSpecification(json: json, source: "the request")
        } catch let error as SongError {
            throw Problem(.unprocessableContent, error.description)
        }
        guard !specification.model.contains("/"), !specification.model.hasPrefix(".") else {
            throw Problem(.unprocessableContent, "model must be a model's name; GET /api/v1/models lists them")
        }
        let files = (specification.prompt ?? []) + [specification.codes].compactMap(\.self)
        if let file = files.first(where: { !$0.hasPrefix(UploadName.scheme) }) {
            throw Problem(
                .unprocessableContent,
                "\(Text.shown(file)) is no upload; send the file first, POST \(UploadRoutes.path), and give what the answer calls reference"
            )
        }
        return specification
    }

    static func checked(_ id: String) throws -> String {
        guard (1...64).contains(id.utf8.count), id.utf8.allSatisfy(isOfID) else {
            throw Problem(.unprocessableContent, "a song's id is 1 to 64 letters, digits and dashes")
        }
        return id
    }

    private static func isOfID(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2D
    }

    static func id(of key: String, _ caller: Caller) throws -> String {
        guard (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw Problem(.badRequest, "an Idempotency-Key is 1 to 255 signs of ASCII")
        }
        return "key-" + digest("idempotency\0\(caller.name)\0\(key)").prefix(32)
    }

    /// 32 bits, so that no program reads it as another number.
    static func seed(of id: String) -> UInt64 { UInt64(digest("seed\0\(id)").prefix(8), radix: 16) ?? 0 }

    private static func digest(_ text: String) -> String { Array(text.utf8).withUnsafeBytes { Digest.sha256($0) } }
}
