import ClusterProtocol
import JukeboxModel
import SongFiles
import SongPlan

/// What a client asks of the models.
struct ModelQuestion {
    enum List { case artists, genres }

    /// nil: of all.
    var model: String?
    /// Whose names are wanted; nil for none.
    var list: List?
    /// What a name contains.
    var search: String
    /// The name that was told last.
    var after: String
    var limit: Int

    init(_ wire: WireModelQuery) {
        model = wire.model.isEmpty ? nil : wire.model
        list =
            switch wire.list {
            case .artists: .artists
            case .genres: .genres
            case .none, .UNRECOGNIZED: nil
            }
        search = String(wire.search.prefix(200)).lowercased()
        after = String(wire.after.prefix(400))
        limit = min(wire.limit > 0 ? Int(wire.limit) : Self.most, Self.most)
    }

    private static let most = 1000
}

/// Models, or names that one of them knows.
struct ModelAnswer {
    var models: [Model]
    var names: [String] = []
    /// Whether there are names after these.
    var hasMore = false

    /// Bytes of names that a message has room for.
    private static let room = 48_000

    /// - Parameter all: in the order in which they are told.
    mutating func add(_ all: [String], of question: ModelQuestion) {
        var room = Self.room
        for name in all where name > question.after {
            guard question.search.isEmpty || name.contains(question.search) else { continue }
            room -= name.utf8.count + 4
            guard names.count < question.limit, room >= 0 else {
                hasMore = true
                return
            }
            names.append(name)
        }
    }

    var wire: WireModelList {
        var wire = WireModelList()
        wire.models = models.map(WireModelEntry.init)
        (wire.names, wire.more) = (names, hasMore)
        return wire
    }
}

extension ModelRegistry {
    /// Models that are open or may be opened by name, and names of one of them.
    ///
    /// - Throws: `SongError` for a model that is not here.
    func answer(_ question: ModelQuestion) throws -> ModelAnswer {
        guard let name = question.model else { return ModelAnswer(models: all.prefix(200).map(\.self)) }
        let model: Model
        do { model = try self.model(name) } catch let error as SongError {
            throw SongError(error.description, .unknown)
        }
        var answer = ModelAnswer(models: [model])
        guard let list = question.list, let names = model.labellers.last?.names else { return answer }
        let known =
            switch list {
            case .artists: names.artists
            case .genres: names.genres
            }
        answer.add(known.keys.filter { PeerText.isClean($0, limit: 400) }.sorted(), of: question)
        return answer
    }
}

extension WireModelEntry {
    fileprivate init(_ model: Model) {
        self.init()
        name = PeerText.shown(model.name)
        let geometry = model.geometry
        levels = UInt32(geometry.levels.count)
        sampleRate = UInt32(geometry.sampleRate)
        artists = UInt32(model.labellers.last?.names.artists.count ?? 0)
        genres = UInt32(model.labellers.last?.names.genres.count ?? 0)
        lyricCharacters = UInt32(model.hyperparameters.priors.last?.lyricLength ?? 0)
        lengthUnit = UInt64(geometry.lengthUnit)
        window = UInt64(geometry.levels[geometry.top].windowLength * geometry.lengthUnit)
        let hour = 3600 * geometry.sampleRate
        longest = UInt64(min(hour, geometry.timing?.maximumTotal ?? hour) / geometry.lengthUnit * geometry.lengthUnit)
    }
}
