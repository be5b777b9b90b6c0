/// The name of a song: made by whoever submits it, so that submitting twice is the same as once.
package typealias SongID = String

/// One segment of one level of one sample of a song: the chain of tokens that windows are appended to.
package struct StreamID: Sendable, Hashable, Codable {
    package var song: SongID
    package var sample: Int
    package var level: Int
    /// Always 0 in exact mode and at the top.
    package var segment: Int

    package init(song: SongID, sample: Int, level: Int, segment: Int = 0) {
        self.song = song
        self.sample = sample
        self.level = level
        self.segment = segment
    }
}

/// The unit that is assigned: one window of one stream.
package struct TaskID: Sendable, Hashable, Codable {
    package var stream: StreamID
    /// The window's index in its segment's plan.
    package var window: Int

    package init(stream: StreamID, window: Int) {
        self.stream = stream
        self.window = window
    }

    package var song: SongID { stream.song }
    package var sample: Int { stream.sample }
    package var level: Int { stream.level }
    package var segment: Int { stream.segment }
}

extension TaskID: CustomStringConvertible {
    package var description: String {
        "\(song) sample \(sample) level \(level)\(segment == 0 ? "" : " segment \(segment)") window \(window)"
    }
}
