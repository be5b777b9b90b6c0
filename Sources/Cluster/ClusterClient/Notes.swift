import ClusterProtocol

/// What a user wants noted of a song; nil stays as it is.
package struct NoteUpdate: Sendable, Hashable {
    /// An empty one takes it away.
    package var name: String?
    package var note: String?
    package var isStarred: Bool?
    package var isHidden: Bool?

    package init(name: String? = nil, note: String? = nil, isStarred: Bool? = nil, isHidden: Bool? = nil) {
        (self.name, self.note, self.isStarred, self.isHidden) = (name, note, isStarred, isHidden)
    }
}

extension ClusterClient {
    /// Says what a song is called, and what is kept beside it. It changes nothing of the song.
    ///
    /// - Throws: `ClientError`.
    package func note(_ update: NoteUpdate, of song: String) throws {
        var note = WireNote()
        note.song = song
        if let name = update.name { note.name = name }
        if let text = update.note { note.note = text }
        if let isStarred = update.isStarred { note.starred = isStarred }
        if let isHidden = update.isHidden { note.hidden = isHidden }
        _ = try ask(.note(note))
    }

    /// What a song was asked for, as JSON, with its defaults filled in; of any song, finished or not.
    package func specification(of song: String) throws -> String {
        var query = WireRequestQuery()
        query.song = song
        return try ask(.request(query)).request.specification
    }
}
