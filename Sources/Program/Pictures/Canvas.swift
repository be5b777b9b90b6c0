import CCairo
import SystemErrors

/// What is wrong with a picture that cannot be written.
package struct PictureError: Error, CustomStringConvertible {
    package var description: String
}

/// Where a text lies about its place.
enum TextAnchor { case left, middle, right }

/// A place on a canvas, in pixels from the top left.
struct Frame {
    var x: Double
    var y: Double
    var width: Double
    var height: Double
    var bottom: Double { y + height }
    var right: Double { x + width }
}

/// A surface that is drawn on: of pixels, written as a PNG, or of shapes, written as an SVG. The only user of cairo.
struct Canvas: ~Copyable {
    private let surface: OpaquePointer
    private let context: OpaquePointer
    private let output: Output

    /// What cairo writes, kept here, for it does not say why a file could not be written.
    private final class Output {
        var bytes: [UInt8] = []
        var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

        static let take: cairo_write_func_t = { output, bytes, count in
            let output = Unmanaged<Output>.fromOpaque(output!).takeUnretainedValue()
            output.bytes.append(contentsOf: UnsafeBufferPointer(start: bytes, count: Int(count)))
            return CAIRO_STATUS_SUCCESS
        }
    }

    /// - Throws: `PictureError` when the size cannot be had.
    init(width: Int, height: Int, background: UInt32) throws {
        try self.init(
            surface: cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(width), Int32(height)), width: width,
            height: height, background: background)
    }

    /// A picture of shapes, which is in its file after `finish`.
    init(svgOfWidth width: Int, height: Int, background: UInt32) throws {
        let output = Output()
        try self.init(
            surface: cairo_svg_surface_create_for_stream(
                Output.take, output.pointer, Double(width), Double(height)), width: width, height: height,
            background: background, output: output)
    }

    private init(
        surface: OpaquePointer, width: Int, height: Int, background: UInt32, output: Output = Output()
    ) throws {
        self.surface = surface
        self.output = output
        context = cairo_create(surface)
        try Self.check(cairo_status(context), "a picture of \(width) × \(height)")
        setColour(background)
        cairo_paint(context)
        cairo_select_font_face(context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL)
    }

    deinit {
        cairo_destroy(context)
        cairo_surface_destroy(surface)
    }

    func setColour(_ colour: UInt32, opacity: Double = 1) {
        func part(_ shift: UInt32) -> Double { Double(colour >> shift & 0xFF) / 255 }
        cairo_set_source_rgba(context, part(16), part(8), part(0), opacity)
    }

    func line(fromX x: Double, y: Double, toX endX: Double, y endY: Double, width: Double = 1) {
        cairo_set_line_width(context, width)
        cairo_move_to(context, x, y)
        cairo_line_to(context, endX, endY)
        cairo_stroke(context)
    }

    /// One stroke through all points.
    func path(_ points: [(x: Double, y: Double)], width: Double) {
        cairo_set_line_width(context, width)
        for point in points { cairo_line_to(context, point.x, point.y) }
        cairo_stroke(context)
    }

    func fill(_ frame: Frame) {
        cairo_rectangle(context, frame.x, frame.y, frame.width, frame.height)
        cairo_fill(context)
    }

    /// - Parameters:
    ///   - y: of the base line.
    ///   - width: what is longer is cut and ends in "…".
    func text(
        _ text: String, x: Double, y: Double, size: Double, anchor: TextAnchor = .left, isBold: Bool = false,
        width: Double = .infinity
    ) {
        cairo_select_font_face(
            context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, isBold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
        cairo_set_font_size(context, size)
        var shown = text
        if self.width(of: shown) > width {
            var kept = Array(text.prefix(200))
            repeat {
                kept.removeLast()
                shown = String(kept) + "…"
            } while self.width(of: shown) > width && !kept.isEmpty
        }
        let share: Double =
            switch anchor {
            case .left: 0
            case .middle: 0.5
            case .right: 1
            }
        cairo_move_to(context, x - share * self.width(of: shown), y)
        cairo_show_text(context, shown)
    }

    private func width(of text: String) -> Double {
        var extents = cairo_text_extents_t()
        cairo_text_extents(context, text, &extents)
        return extents.x_advance
    }

    /// Fills a place with an image, scaled.
    ///
    /// - Parameter pixels: [rows][columns] 0x00RRGGBB, the top row first.
    /// - Throws: `PictureError` when there is no memory for it.
    func image(_ pixels: [[UInt32]], in frame: Frame, isSmooth: Bool = true) throws {
        guard let columns = pixels.first?.count, columns > 0 else { return }
        let image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(columns), Int32(pixels.count))
        defer { cairo_surface_destroy(image) }
        try Self.check(cairo_surface_status(image), "an image of \(columns) × \(pixels.count)")
        cairo_surface_flush(image)
        guard let data = cairo_image_surface_get_data(image) else { throw PictureError(description: "no image data") }
        let stride = Int(cairo_image_surface_get_stride(image))
        for (row, colours) in pixels.enumerated() {
            colours.withUnsafeBytes {
                (data + row * stride).update(
                    from: $0.baseAddress!.assumingMemoryBound(to: UInt8.self), count: 4 * columns)
            }
        }
        cairo_surface_mark_dirty(image)
        cairo_save(context)
        cairo_rectangle(context, frame.x, frame.y, frame.width, frame.height)
        cairo_clip(context)
        cairo_translate(context, frame.x, frame.y)
        cairo_scale(context, frame.width / Double(columns), frame.height / Double(pixels.count))
        cairo_set_source_surface(context, image, 0, 0)
        let pattern = cairo_get_source(context)
        cairo_pattern_set_extend(pattern, CAIRO_EXTEND_PAD)
        cairo_pattern_set_filter(pattern, isSmooth ? CAIRO_FILTER_BILINEAR : CAIRO_FILTER_NEAREST)
        cairo_paint(context)
        cairo_restore(context)
    }

    /// Completes the file of an SVG.
    ///
    /// - Throws: `PictureError` when it cannot be made, `SystemError` when it cannot be written.
    func finish(_ path: String) throws {
        cairo_surface_finish(surface)
        try Self.check(cairo_surface_status(surface), path)
        try OutputFile.replace(path, with: output.bytes)
    }

    /// - Throws: `PictureError` when it cannot be made, `SystemError` when the file cannot be written.
    func write(to path: String) throws {
        try Self.check(cairo_status(context), path)
        try Self.check(cairo_surface_write_to_png_stream(surface, Output.take, output.pointer), path)
        try OutputFile.replace(path, with: output.bytes)
    }

    private static func check(_ status: cairo_status_t, _ what: String) throws {
        guard status == CAIRO_STATUS_SUCCESS else {
            throw PictureError(description: "\(what): \(String(cString: cairo_status_to_string(status)))")
        }
    }
}
