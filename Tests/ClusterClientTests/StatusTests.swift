import ClusterProtocol
import Foundation
import Testing

@testable import ClusterClient

@Suite("A client's view of songs and workers")
struct StatusTests {
    private func song(_ change: (inout WireSongStatus) -> Void) -> WireSongStatus {
        var song = WireSongStatus()
        song.song = "s"
        change(&song)
        return song
    }

    @Test func `the state is taken from the enum, and from the words of a coordinator of before`() throws {
        let states: [(WireSongState, SongProgress.State)] = [
            (.preparing, .preparing), (.sampling, .sampling), (.decoding, .decoding), (.finished, .finished),
            (.parked, .parked), (.failed, .failed), (.cancelled, .cancelled),
        ]
        #expect(states.count == SongProgress.State.allCases.count)
        for (wire, state) in states {
            #expect(try SongProgress(song { $0.songState = wire }).state == state)
            #expect(try SongProgress(song { $0.state = state.rawValue }).state == state)
        }
        #expect(throws: ClientError.self) { try SongProgress(song { $0.state = "mastering" }) }
        #expect(throws: ClientError.self) { try SongProgress(song { $0.songState = .UNRECOGNIZED(99) }) }
        // What this program knows of it is enough.
        #expect(
            try SongProgress(
                song {
                    $0.songState = .UNRECOGNIZED(99)
                    $0.state = "decoding"
                }
            ).state == .decoding)
    }

    @Test func `only songs that are finished, failed or cancelled have ended`() {
        #expect(SongProgress.State.allCases.filter(\.isEnded) == [.finished, .failed, .cancelled])
    }

    @Test func `status as JSON has the protocol's field names and plain numbers`() throws {
        var status = WireStatus()
        status.songs = [
            song {
                ($0.state, $0.wantedTokens, $0.tokensPerSecond, $0.secondsLeft) = ("sampling", 1 << 40, 1.5, .infinity)
            }
        ]
        let json = try ClusterStatus(status).json()
        #expect(json.contains("\"wanted_tokens\":1099511627776"))
        #expect(json.contains("\"tokens_per_second\":1.5"))
        #expect(json.contains("\"seconds_left\":0"))
        #expect(json.contains("\"state\":\"sampling\""))
    }
}
