import Checkpoint
import Foundation
import SongFiles

/// Texts that people and programs write.
enum TextInputs {
    static func json(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome {
        try refusing(CheckpointError.self) { _ = try JSONValue.read(Data(bytes), source: "input") }
    }

    /// As a request for a song, as what clients send, and as what lies in a song's folder.
    static func song(_ bytes: [UInt8]) throws -> FuzzEntry.Outcome {
        let request = try refusing(SongError.self) { _ = try SongRequest(json: Data(bytes), format: "wav").json() }
        let description = try refusing(SongError.self) {
            _ = try SongDescription(json: Data(bytes), source: "input").json()
        }
        return request == .taken || description == .taken ? .taken : .refused
    }
}
