/// Names as a shell takes them.
enum ShellWords {
    /// A word that the shell takes as this text.
    static func quote(_ text: String) -> String {
        let plain =
            !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                case _: "/._-+@%:=,".utf8.contains(byte)
                }
            }
        return plain
            ? text
            : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }

    /// What makes a WAV file of any recording.
    ///
    /// - Parameter ignoresLength: whether all of a WAV file is read, whatever its header says.
    static func conversion(of name: String, ignoresLength: Bool = false) -> String {
        let file = name.hasPrefix("-") ? "./" + name : name
        let start = file.lastIndex(of: "/").map { file.index(after: $0) } ?? file.startIndex
        var stem = file
        if let dot = file[start...].lastIndex(of: "."), dot > start { stem = String(file[..<dot]) }
        var target = stem + ".wav"
        if target == file { target = stem + "-new.wav" }
        return "ffmpeg \(ignoresLength ? "-ignore_length 1 " : "")-i \(quote(file)) \(quote(target))"
    }
}
