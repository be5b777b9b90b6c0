import ClusterClient
package import Foundation
import SystemErrors

/// The HTTP API: from a request to a response, over clients of a coordinator. It keeps no truth of its own.
package final class Gateway: Sendable {
    package struct Settings: Sendable {
        package var doors: Doorkeeping
        /// Who listens to events at a time.
        package var mostListeners = 2000
        /// Gets a line for what nobody could have asked for.
        package var log: @Sendable (String) -> Void

        package init(doors: Doorkeeping, log: @escaping @Sendable (String) -> Void = { _ in }) {
            (self.doors, self.log) = (doors, log)
        }
    }

    /// All operations of the API, in the order in which they are looked through.
    package let routes: [Route]
    /// What is for people, and for anybody.
    private let page = PageRoutes().routes
    private let settings: Settings

    /// - Parameters:
    ///   - folder: the gateway's own, for what it makes of songs; what is in it is removed.
    /// - Throws: `SystemError` when the folder cannot be made.
    package init(cluster: ClusterAccess, tools: any SongTools, folder: URL, settings: Settings) throws {
        self.settings = settings
        let watch = SongWatch(cluster: cluster)
        let files = SongFilesAccess(cluster: cluster)
        let derived = try DerivedFiles(
            cluster: cluster, tools: tools, folder: folder.appendingPathComponent("derived"))
        // What a process that was killed left of branches.
        let branches = folder.appendingPathComponent("branches")
        try? FileManager.default.removeItem(at: branches)
        let spool = try Spool(folder: folder.appendingPathComponent("spool"))
        routes =
            HealthRoutes(cluster: cluster).routes
            + SongRoutes(cluster: cluster, watch: watch, files: files).routes
            + BranchRoutes(cluster: cluster, watch: watch, folder: branches).routes
            + EventRoutes(watch: watch, listeners: ListenerCount(most: settings.mostListeners)).routes
            + AudioRoutes(files: files, derived: derived).routes
            + FileRoutes(cluster: cluster, files: files, derived: derived).routes
            + UploadRoutes(cluster: cluster, spool: spool).routes
            + ClusterRoutes(cluster: cluster, derived: derived).routes
    }

    /// Answers a request; what goes wrong is an answer, too.
    package func answer(_ request: HTTPRequest) async -> HTTPResponse {
        var response: HTTPResponse
        do {
            response = try await carryOut(request)
        } catch let problem as Problem {
            response = problem.response
        } catch let error as ClientError {
            response = Problem(error).response
        } catch {
            settings.log("\(request.method) \(Text.shown(request.target)) failed: \(error.explanation)")
            response = Problem(.internalError, error.explanation).response
        }
        for line in Self.protection.lines where response.fields[line.name] == nil {
            response.fields.add(line.name, line.value)
        }
        if request.method == "HEAD" { response.body = response.body.withoutContent }
        return response
    }

    /// What browsers must not do with what comes from here.
    private static let protection: HTTPFields = [
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    ]

    private func carryOut(_ request: HTTPRequest) async throws -> HTTPResponse {
        let target = try RequestTarget(request.target)
        // Probes name no host that we know, and are told nothing that is not for everybody.
        let isProbe = HealthRoutes.probes.contains(target.segments)
        let ofPage = Self.matching(page, target)
        let caller = isProbe ? .anybody : try settings.doors.admit(request, isOpen: !ofPage.isEmpty)
        let matching = ofPage.isEmpty ? Self.matching(routes, target) : ofPage
        guard !matching.isEmpty else {
            throw Problem(
                .notFound,
                "there is nothing at \(Text.shown(String(request.target.prefix { $0 != "?" }))); GET \(HealthRoutes.description) tells what there is"
            )
        }
        let method = request.method == "HEAD" ? "GET" : request.method
        guard let (route, path) = matching.first(where: { $0.0.method == method }) else {
            let methods = Self.methods(matching.map(\.0))
            if request.method == "OPTIONS" { return HTTPResponse(.noContent, fields: ["Allow": methods]) }
            throw Problem(
                .methodNotAllowed, "\(Text.shown(request.method)) is not possible here; there is \(methods)",
                fields: ["Allow": methods])
        }
        guard caller.role >= route.role else {
            throw Problem(
                .forbidden,
                "the token \(Text.shown(caller.name)) is a \(caller.role.rawValue)'s, and this is for \(route.role.rawValue); "
                    + "orchestrion tokens new --role \(route.role.rawValue) makes one")
        }
        let query = try Query(target.query, known: route.query)
        return try await route.answer(RouteRequest(request: request, path: path, query: query, caller: caller))
    }

    private static func matching(_ routes: [Route], _ target: RequestTarget) -> [(Route, [String: String])] {
        routes.compactMap { route in route.parameters(of: target.segments).map { (route, $0) } }
    }

    private static func methods(_ routes: [Route]) -> String {
        let own = routes.map(\.method)
        return (own + (own.contains("GET") ? ["HEAD"] : []) + ["OPTIONS"]).joined(separator: ", ")
    }
}

extension HTTPResponse.Body {
    /// The same length, with nothing to send.
    fileprivate var withoutContent: HTTPResponse.Body {
        switch self {
        case .bytes(let bytes): .stream(length: bytes.count) { _ in }
        case .stream(let length, _): .stream(length: length) { _ in }
        }
    }
}
