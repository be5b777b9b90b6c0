/// What people write where a recording's name belongs.
package enum RecordingName {
    /// What to do about a name that no file has; nil where there is no more to say than that.
    package static func advice(on name: String) -> String? {
        let lower = name.lowercased()
        if lower.hasPrefix("file://") { return "Give the path alone, without file://" }
        if let scheme = lower.firstRange(of: "://"), scheme.lowerBound > lower.startIndex {
            return "It is an address: download it, and give the file (curl -LO \(ShellWords.quote(name)))"
        }
        if name == "-" { return "Standard input is not read; write the recording to a file first" }
        if name.hasPrefix("~") { return "The shell has left ~ as it is: write the folder in full, as $HOME/…" }
        if name.hasPrefix("$") { return "The shell has left \(name.prefix { $0 != "/" }) as it is: no single quotes" }
        if name.hasPrefix("@") { return "No @ before a recording" }
        if name.contains(where: { "*?".contains($0) }) {
            return "Patterns are not looked up here; name each file: --prompt A --prompt B"
        }
        if name.isEmpty { return "The name is empty" }
        if name.first?.isWhitespace == true || name.last?.isWhitespace == true {
            return "The name begins or ends with a space"
        }
        return nil
    }
}
