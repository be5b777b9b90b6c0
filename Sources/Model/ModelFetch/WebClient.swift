import Foundation

/// Asks servers: follows redirects, tells what passes from what does not, tries again.
package struct WebClient {
    package struct Settings: Sendable {
        /// Tries in a row that bring next to nothing.
        package var attempts = 6
        /// In which some bytes must come.
        package var stall = Duration.seconds(60)
        /// What a server of Hugging Face is shown; it goes to no other server.
        package var token: String?
        /// Of whoever waits.
        package var sleep: @Sendable (Duration) -> Void = { Thread.sleep(forTimeInterval: $0 / .seconds(1)) }
        /// Is told why something is tried again.
        package var tell: @Sendable (String) -> Void = { _ in }

        package init() {}
    }

    let settings: Settings
    private static let mostRedirects = 10
    private static let (firstPause, longestPause) = (Duration.seconds(1), Duration.seconds(60))
    /// Longer than this nobody waits.
    private static let mostAsked = Duration.seconds(600)

    package init(_ settings: Settings = Settings()) { self.settings = settings }

    /// Asks once, and follows where it is led.
    ///
    /// - Returns: an answer that is no redirect, with its body still to come.
    /// - Throws: `PassingFault`, `FetchError`.
    func ask(_ request: Curl.Request) throws -> (head: ResponseHead, body: Curl) {
        var request = request
        let first = request.address
        for _ in 0...Self.mostRedirects {
            var shown = request
            // A token is the first server's alone.
            if let token = settings.token, request.address.isSameServer(as: first) {
                shown.fields.append(("Authorization", "Bearer \(token)"))
            }
            let exchange = try Curl(shown, stall: settings.stall)
            let head = try exchange.head()
            guard [301, 302, 303, 307, 308].contains(head.status) else { return (head, exchange) }
            guard let location = head["location"] else { throw FetchError("\(request.address) leads on to nowhere") }
            request.address = try request.address.following(location)
        }
        throw FetchError("\(first) leads on more than \(Self.mostRedirects) times; is the address right?")
    }

    /// Refuses answers that are no file, for good or until later.
    func check(_ head: ResponseHead, of address: WebAddress) throws {
        switch head.status {
        case 200, 206: return
        case 401, 403:
            throw FetchError(
                "\(address): the server refuses it (\(head.status)). Where a page asks for an account or for conditions to be "
                    + "accepted, do so there, and give --token-file")
        case 404, 410: throw FetchError("\(address): there is no such file (\(head.status))")
        case 408, 425, 429, 500...504, 520...529:
            throw PassingFault("the server cannot answer now (\(head.status))", pause: head.pause())
        default: throw FetchError("\(address): the server answers \(head.status), which is not understood")
        }
    }

    /// Does something until it succeeds, fails for good, or failed too often.
    ///
    /// - Parameters:
    ///   - name: of what is fetched, for messages.
    ///   - progress: bytes that are there; a try that brings a MiB begins the counting anew.
    func trying<Value>(_ name: String, progress: () -> Int = { 0 }, _ body: () throws -> Value) throws -> Value {
        var (failures, mark, pause) = (0, progress(), Self.firstPause)
        while true {
            do { return try body() } catch let fault as PassingFault {
                if progress() >= mark + 1 << 20 { (failures, mark, pause) = (0, progress(), Self.firstPause) }
                failures += 1
                guard failures < settings.attempts else {
                    throw FetchError(
                        "\(name): \(fault); given up after \(failures) tries. The same command goes on where this one was"
                    )
                }
                let wanted = max(pause, fault.pause ?? .zero)
                guard wanted <= Self.mostAsked else {
                    throw FetchError(
                        "\(name): \(fault), and asks to come back in \(Int(wanted / .seconds(1))) s: give the same command then"
                    )
                }
                settings.tell("\(name): \(fault); tried again in \(Int((wanted / .seconds(1)).rounded(.up))) s")
                settings.sleep(wanted)
                pause = min(Self.longestPause, pause * 2)
            }
        }
    }

    /// A small file, as bytes; nil when there is none.
    ///
    /// - Parameter most: bytes.
    func small(_ address: WebAddress, most: Int) throws -> [UInt8]? {
        try trying("\(address)") {
            let (head, body) = try ask(Curl.Request(address: address))
            if head.status == 404 { return nil }
            try check(head, of: address)
            var bytes: [UInt8] = []
            while let more = try body.next() {
                bytes += more
                guard bytes.count <= most else { throw FetchError("\(address) is larger than it can be") }
            }
            guard !head.isWebPage else { throw FetchError("\(address) is a web page, and a file is expected") }
            return bytes
        }
    }

    /// What the server says of a file: its bytes where it says so; nil when there is none.
    func survey(_ address: WebAddress) throws -> (isThere: Bool, bytes: Int?) {
        try trying("\(address)") {
            let (head, _) = try ask(Curl.Request(address: address, isHead: true))
            if [404, 410].contains(head.status) { return (false, nil) }
            // Not all servers answer such questions; the file itself tells then.
            guard ![400, 403, 405, 501].contains(head.status) else { return (true, nil) }
            try check(head, of: address)
            guard !head.isWebPage else {
                throw FetchError("\(address) is a web page, and a file is expected: is the address right?")
            }
            return (true, head.length)
        }
    }
}
