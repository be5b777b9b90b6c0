/// A file that a model needs, where it is, and what is known of it beforehand.
struct RemoteFile: Sendable, Equatable {
    enum Kind: Sendable { case weights, text }

    /// In the model's folder.
    var name: String
    var address: WebAddress
    var kind: Kind
    /// Its length, as a list says.
    var bytes: Int?
    /// SHA-256, as a list says.
    var sha256: String?

    /// Bytes that no such file has.
    var most: Int { kind == .weights ? 1 << 50 : 256 << 20 }

    /// Names that may be written into a folder.
    static func isName(_ text: String) -> Bool {
        text.utf8.count <= 128 && text.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9._-]*/) != nil
    }
}
