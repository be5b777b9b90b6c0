import ClusterProtocol

/// Texts of clients that are said back to them.
enum Text {
    /// In quotes, without signs that a terminal acts on, and not long.
    static func shown(_ text: String) -> String {
        let start = PeerText.lines(text, limit: 60)
        return "\"\(start)\(text.unicodeScalars.count > 60 ? "…" : "")\""
    }
}
