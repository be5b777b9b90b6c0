import ClusterProtocol

/// A model that songs may name.
package struct ModelSummary: Sendable, Hashable {
    package var name: String
    package var levels: Int
    /// Audio samples a second.
    package var sampleRate: Int
    /// How many there are in its lists.
    package var artists: Int
    package var genres: Int
    /// Of lyrics, that a window of the top level reads; 0: it reads none.
    package var lyricCharacters: Int
    /// Audio samples: of one top-level token, and of the longest song.
    package var lengthUnit: Int
    package var longest: Int
    /// Of a window of the top level; 0 when the coordinator does not say.
    package var window: Int
}

extension ClusterClient {
    /// Lists of names that a model may have.
    package enum NameKind: String, Sendable, CaseIterable { case artists, genres }

    /// The models that songs may name.
    package func models() throws -> [ModelSummary] {
        try ask(.models(WireModelQuery())).models.models.map(ModelSummary.init)
    }

    /// - Throws: `ClientError` of the kind `notFound` for a model that is not there.
    package func model(_ name: String) throws -> ModelSummary {
        var query = WireModelQuery()
        query.model = name
        guard let model = try ask(.models(query)).models.models.first else {
            throw ClientError("the coordinator says nothing of the model \(PeerText.shown(name))")
        }
        return ModelSummary(model)
    }

    /// Artists or genres of a model, in alphabetical order.
    ///
    /// - Parameters:
    ///   - search: what a name contains; empty: any.
    ///   - after: the name that was told last.
    ///   - limit: at most 1000.
    package func names(
        _ kind: NameKind, of model: String, search: String = "", after: String = "", limit: Int
    ) throws -> (names: [String], hasMore: Bool) {
        var query = WireModelQuery()
        (query.model, query.search, query.after) = (model, search, after)
        query.limit = UInt32(clamping: limit)
        query.list =
            switch kind {
            case .artists: .artists
            case .genres: .genres
            }
        let answer = try ask(.models(query)).models
        return (answer.names.map { PeerText.shown($0, limit: 400) }, answer.more)
    }
}

extension ModelSummary {
    fileprivate init(_ wire: WireModelEntry) {
        self.init(
            name: PeerText.shown(wire.name), levels: Int(wire.levels), sampleRate: Int(wire.sampleRate),
            artists: Int(wire.artists), genres: Int(wire.genres), lyricCharacters: Int(wire.lyricCharacters),
            lengthUnit: Int(clamping: wire.lengthUnit), longest: Int(clamping: wire.longest),
            window: Int(clamping: wire.window))
    }
}
