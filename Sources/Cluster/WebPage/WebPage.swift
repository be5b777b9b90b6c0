import Digest

/// The page on which songs are composed, heard and watched: its files, as they are embedded in the program. They hold no
/// secrets: what they show, they ask the HTTP API for.
package enum WebPage {
    /// A file of the page.
    package struct File: Sendable {
        package let bytes: [UInt8]
        /// `Content-Type`.
        package let type: String
        /// `ETag`: SHA-256 of the bytes, in quotes.
        package let tag: String

        fileprivate init(_ bytes: [UInt8], _ type: String) {
            (self.bytes, self.type) = (bytes, type)
            tag = "\"\(bytes.withUnsafeBytes { Digest.sha256($0) })\""
        }
    }

    /// The page itself.
    package static let start = "index.html"

    /// By name.
    package static let files: [String: File] = table

    /// What browsers let the page do: nothing that does not come from the same place.
    package static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob: data:",
        "media-src 'self' blob:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'",
        "frame-ancestors 'none'",
    ].joined(separator: "; ")
}

extension WebPage {
    private static func script(_ bytes: [UInt8]) -> File { File(bytes, "text/javascript; charset=utf-8") }
    private static func style(_ bytes: [UInt8]) -> File { File(bytes, "text/css; charset=utf-8") }

    private static var table: [String: File] {
        [
            start: File(PackageResources.index_html, "text/html; charset=utf-8"),
            "icon.svg": File(PackageResources.icon_svg, "image/svg+xml"),
            "base.css": style(PackageResources.base_css),
            "parts.css": style(PackageResources.parts_css),
            "compose.css": style(PackageResources.compose_css),
            "listen.css": style(PackageResources.listen_css),
            "watch.css": style(PackageResources.watch_css),
        ].merging(scripts.mapValues(script)) { one, _ in one }
    }

    private static var scripts: [String: [UInt8]] {
        [
            "api.js": PackageResources.api_js,
            "blocks.js": PackageResources.blocks_js,
            "branch.js": PackageResources.branch_js,
            "command.js": PackageResources.command_js,
            "compose-form.js": PackageResources.compose_form_js,
            "compose-plan.js": PackageResources.compose_plan_js,
            "compose.js": PackageResources.compose_js,
            "deeds.js": PackageResources.deeds_js,
            "dialog.js": PackageResources.dialog_js,
            "dom.js": PackageResources.dom_js,
            "drawing.js": PackageResources.drawing_js,
            "events.js": PackageResources.events_js,
            "fft.js": PackageResources.fft_js,
            "format.js": PackageResources.format_js,
            "gantt.js": PackageResources.gantt_js,
            "help.js": PackageResources.help_js,
            "lane.js": PackageResources.lane_js,
            "listen.js": PackageResources.listen_js,
            "lyrics.js": PackageResources.lyrics_js,
            "main.js": PackageResources.main_js,
            "names.js": PackageResources.names_js,
            "notices.js": PackageResources.notices_js,
            "player.js": PackageResources.player_js,
            "prompt.js": PackageResources.prompt_js,
            "route.js": PackageResources.route_js,
            "song-view.js": PackageResources.song_view_js,
            "songs.js": PackageResources.songs_js,
            "sound.js": PackageResources.sound_js,
            "store.js": PackageResources.store_js,
            "watch.js": PackageResources.watch_js,
            "wav.js": PackageResources.wav_js,
        ]
    }
}
