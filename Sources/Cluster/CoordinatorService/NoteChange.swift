import ClusterProtocol
import CoordinatorCore
import SongFiles
import SongPlan

/// What a user wants noted of a song; nil stays as it is.
struct NoteChange {
    var name: String?
    var note: String?
    var isStarred: Bool?
    var isHidden: Bool?

    init(_ wire: WireNote) {
        if wire.hasName { name = wire.name }
        if wire.hasNote { note = wire.note }
        if wire.hasStarred { isStarred = wire.starred }
        if wire.hasHidden { isHidden = wire.hidden }
    }

    /// - Throws: `SongError` for a text that is too long, or not of one line.
    func applied(to former: SongNote) throws -> SongNote {
        var new = former
        if let name { new.name = try Self.checked(name, "name", longest: SongNote.longestName) }
        if let note { new.note = try Self.checked(note, "note", longest: SongNote.longestNote, mayHaveLines: true) }
        new.isStarred = isStarred ?? former.isStarred
        new.isHidden = isHidden ?? former.isHidden
        return new
    }

    private static func checked(
        _ text: String, _ what: String, longest: Int, mayHaveLines: Bool = false
    ) throws -> String {
        guard text.utf8.count <= longest else {
            throw SongError("the \(what) has \(text.utf8.count) bytes; a song's \(what) has at most \(longest)")
        }
        let isFine = text.unicodeScalars.allSatisfy {
            switch $0.properties.generalCategory {
            case .control: mayHaveLines && ["\n", "\t"].contains($0)
            case .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
        guard isFine else {
            throw SongError(
                "the \(what) has signs that cannot be shown"
                    + (mayHaveLines ? "; lines end in \\n" : "; it is one line"))
        }
        return text
    }
}
