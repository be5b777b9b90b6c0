/// The name of a song: made by whoever submits it, so that submitting twice is the same as once.
package typealias SongID = String

/// One level of one sample of a song: the chain of tokens that windows are appended to.
package struct StreamID: Sendable, Hashable, Codable {
    package var song: SongID
    package var sample: Int
    package var level: Int

    package init(song: SongID, sample: Int, level: Int) {
        self.song = song
        self.sample = sample
        self.level = level
    }
}

/// The unit that is assigned: one window of one level of one sample.
package struct TaskID: Sendable, Hashable, Codable {
    package var stream: StreamID
    /// The window's index in its level's plan.
    package var window: Int

    package init(stream: StreamID, window: Int) {
        self.stream = stream
        self.window = window
    }

    package var song: SongID { stream.song }
    package var sample: Int { stream.sample }
    package var level: Int { stream.level }
}

extension TaskID: CustomStringConvertible {
    package var description: String {
        "\(song) sample \(sample) level \(level) window \(window)"
    }
}
