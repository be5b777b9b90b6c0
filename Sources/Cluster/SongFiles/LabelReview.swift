import Foundation
import JukeboxModel
import SongPlan

/// What of a song's artists, genres and lyrics the model cannot honour, said before the first token; and the labels as
/// they are kept: what a library made of them once, the song file holds.
struct LabelReview {
    private let labellers: [Labeller]
    private let top: Int
    private let timing: TimingRange?
    private let mode: SongMode
    private(set) var samples: [SampleSpecification]
    private(set) var warnings: [String] = []

    init(_ specification: SongSpecification, model: Model) {
        labellers = model.labellers
        (top, timing) = (model.geometry.top, model.geometry.timing)
        (mode, samples) = (specification.mode, specification.samples)
        for place in samples.indices {
            reviewAbsentLabels(samples[place])
            reviewIDs(samples[place])
            samples[place].artist = samples[place].artist.map { settle(artist: $0, samples[place]) }
            samples[place].genre = samples[place].genre.map { settle(genre: $0, samples[place]) }
        }
        reviewLyrics()
    }

    private mutating func warn(_ text: String) {
        if !warnings.contains(text) { warnings.append(text) }
    }

    private var labelled: [Labeller] { labellers.filter(\.prior.labels) }

    private var lyrical: Labeller? { labelled.last { $0.prior.lyricLength > 0 } }

    // MARK: labels that the model has no place for

    private mutating func reviewAbsentLabels(_ sample: SampleSpecification) {
        var names: [String] = []
        if sample.artist != nil || sample.artistID != nil { names.append("artist") }
        if sample.genre != nil || sample.genreIDs != nil { names.append("genre") }
        let lyrics = sample.lyrics?.isEmpty == false ? ["lyrics"] : []
        var times: [String] = []
        if sample.totalLength != nil { times.append("total_length") }
        if sample.offset != nil { times.append("offset") }
        guard !labelled.isEmpty else {
            let all = names + lyrics + times
            if !all.isEmpty { warn("the model was trained without labels; \(Self.list(all)) \(Self.are(all)) ignored") }
            return
        }
        for labeller in labellers where !labeller.prior.labels && !names.isEmpty {
            warn("level \(labeller.prior.level) has no labels; \(Self.list(names)) \(Self.are(names)) ignored there")
        }
        if timing == nil, lyrical == nil, !times.isEmpty {
            warn("the model has no labels of time; \(Self.list(times)) \(Self.are(times)) ignored")
        }
        if lyrics.isEmpty { return }
        if lyrical == nil { warn("the model takes no lyrics; they are ignored") }
        // A song that goes on with another one's sketches keeps the lyrics that were sung in them.
        if let lyrical, lyrical.prior.level == top, mode == .upsample, sample.number == nil {
            warn("mode upsample keeps the top level, which alone reads lyrics; they change nothing")
        }
    }

    /// Ids say more than names do.
    private mutating func reviewIDs(_ sample: SampleSpecification) {
        if let name = sample.artist, sample.artistID != nil {
            warn("artist \(name) is ignored, since artist_id is given")
        }
        if let name = sample.genre, sample.genreIDs != nil {
            warn("genre \(name) is ignored, since genre_ids are given")
        }
    }

    private static func list(_ words: [String]) -> String {
        words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " and " + words[words.count - 1]
    }

    private static func are(_ words: [String]) -> String { words == ["lyrics"] || words.count > 1 ? "are" : "is" }

    // MARK: names

    /// The artist under a name that the model's lists have, if they have it under another.
    private mutating func settle(artist name: String, _ sample: SampleSpecification) -> String {
        guard sample.artistID == nil, !name.isEmpty else { return name }
        for names in labelled.map(\.names) where names.known(artist: name) == nil {
            reviewUnknown(names.unknown(artist: name, genre: nil), names.artistsAbsence, names)
        }
        return settle("artist", name) { $0.known(artist: name) }
    }

    private mutating func settle(genre name: String, _ sample: SampleSpecification) -> String {
        guard sample.genreIDs == nil, !name.isEmpty else { return name }
        for names in labelled.map(\.names) where names.known(genre: name) == nil {
            reviewUnknown(names.unknown(artist: nil, genre: name), names.genresAbsence, names)
        }
        return settle("genre", name) { $0.known(genre: name) }
    }

    private mutating func reviewUnknown(_ unknown: [String], _ absence: String?, _ names: NameLists) {
        for name in unknown {
            if let absence {
                warn("\(name) counts as unknown: \(absence)")
            } else {
                warn("\(name) is not in the model's \(names.v3 ? "v3" : "v2") list and counts as unknown")
            }
        }
    }

    private mutating func settle(_ kind: String, _ name: String, known: (NameLists) -> String?) -> String {
        let spellings = labelled.reversed().compactMap { known($0.names) }
        func isSame(_ other: String) -> Bool { other.unicodeScalars.elementsEqual(name.unicodeScalars) }
        guard let spelling = spellings.first, !spellings.contains(where: isSame) else { return name }
        if spelling != name.trimmingCharacters(in: .whitespacesAndNewlines) {
            warn("\(kind) \(name) is taken as \(spelling), which the model's list has")
        }
        return spelling
    }

    // MARK: lyrics

    private mutating func reviewLyrics() {
        let text = lyrical.map { LyricText(v3: $0.prior.labelsV3) }
        let isOne = Set(samples.map(\.lyrics)).count == 1
        for place in samples.indices {
            guard let lyrics = samples[place].lyrics, !lyrics.isEmpty else { continue }
            let ascii = Transliteration(lyrics)
            if !lyrics.utf8.allSatisfy({ $0 < 0x80 }) { samples[place].lyrics = ascii.text }
            if let text { review(ascii, text, isOne ? "the lyrics" : "the lyrics of sample \(place)") }
        }
    }

    private mutating func review(_ ascii: Transliteration, _ text: LyricText, _ subject: String) {
        let dropped = ascii.dropped + text.foreign(in: ascii.text)
        let sung = text.clean(ascii.text).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !sung.isEmpty else {
            let why = dropped.isEmpty ? "they are blank" : "the model's alphabet has none of \(Self.shown(dropped))"
            return warn("NOTHING IS LEFT OF \(subject.uppercased()): \(why). The song is made without words")
        }
        if ascii.changedLetters {
            let line = ascii.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            warn("\(subject) were transliterated to ASCII: '\(line.prefix(60))\(line.count > 60 ? "…" : "")'")
        }
        if !dropped.isEmpty {
            let count = dropped.count == 1 ? "1 character" : "\(dropped.count) characters"
            warn(
                "\(count) of \(subject) \(dropped.count == 1 ? "is" : "are") not in the model's alphabet and "
                    + "\(dropped.count == 1 ? "was" : "were") left out: \(Self.shown(dropped))")
        }
    }

    /// The first of some characters, each once.
    private static func shown(_ characters: [String]) -> String {
        var seen: Set<String> = []
        let each = characters.filter { seen.insert($0).inserted }
        let visible = each.prefix(8).map { text in
            let scalar = text.unicodeScalars.first!
            return scalar.value > 0x20 && scalar.value != 0x7F
                ? text : "U+" + String(scalar.value, radix: 16, uppercase: true)
        }
        return visible.joined(separator: " ") + (each.count > 8 ? " …" : "")
    }
}
