/// Words for shells at the other end.
package enum ShellWord {
    /// A word as every shell takes it: in single quotes, in which nothing but their end means anything.
    package static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }

    /// Lines that set variables. Names are ours.
    package static func assignments(_ variables: [(name: String, value: String)]) -> String {
        variables.map { "\($0.name)=\(quoted($0.value))\n" }.joined()
    }

    /// Whether a path or name can be sent at all: it has no zero byte, and is one line.
    package static func isOneLine(_ text: String) -> Bool {
        !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
    }
}
