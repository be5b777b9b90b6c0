import ArgumentParser
import Checkpoint
import Foundation

/// What `--lyrics` gives: a text, or with @ a file of one.
enum LyricInput {
    /// - Throws: `ValidationError` naming the file.
    static func text(_ option: String) throws -> String {
        guard option.hasPrefix("@") else {
            guard !namesTextFile(option) else {
                throw ValidationError("--lyrics: \(option) is a file; to sing what is in it, write @\(option)")
            }
            return option
        }
        // Behind the @ no shell replaces ~.
        let file = NSString(string: String(option.dropFirst())).expandingTildeInPath
        guard !file.isEmpty else { throw ValidationError("--lyrics: a file's name must follow the @") }
        let text = try read(file)
        guard text.contains(where: { !$0.isWhitespace }) else {
            throw ValidationError("--lyrics: \(file) has no words in it")
        }
        return text
    }

    private static func read(_ file: String) throws -> String {
        let data = try OptionFile.content(of: file, option: "lyrics")
        let content: PlainText
        do {
            content = try PlainText(data)
        } catch {
            throw ValidationError("--lyrics: \(file) \(error)")
        }
        if content.encoding == .windows1252 {
            Terminal.note("note: \(file) is not in UTF-8; it was read as \(content.encoding.rawValue)")
        }
        // Lines end as they did on other systems.
        return content.text.replacingOccurrences(of: "\r\n", with: "\n").replacingOccurrences(of: "\r", with: "\n")
    }

    /// Whether the words are those of a file rather than of a song: one that is there, and is called like one.
    private static func namesTextFile(_ words: String) -> Bool {
        guard words.contains("/") || words.contains("."), !words.contains("\n") else { return false }
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: words, isDirectory: &isFolder) && !isFolder.boolValue
    }
}
