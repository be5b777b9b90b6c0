package import SongPlan

extension SongSpecification {
    /// The request as `song.json` keeps it: it names files as their owner calls them, with what is in them, and a branch names
    /// the songs that it comes from in place of a file.
    package func portable(ancestry: [SongSpecification]?) -> SongSpecification {
        var song = self
        if parent != nil, let ancestry = ancestry ?? self.ancestry {
            (song.ancestry, song.codes, song.sources) = (ancestry, nil, nil)
            return song
        }
        for reference in (prompt ?? []) + [codes].compactMap(\.self) {
            guard let digest = UploadName.digest(of: reference) else { continue }
            song.sources = (song.sources ?? [:]).merging([UploadName.original(of: reference): digest]) { $1 }
        }
        song.prompt = prompt.map { $0.map(UploadName.original(of:)) }
        song.codes = codes.map(UploadName.original(of:))
        return song
    }
}
